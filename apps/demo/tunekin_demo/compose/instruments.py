"""Pitched instruments: one note in, its sound out.

A voice is a function of one note. All share one signature, `Voice`, and `VOICES` names them. Every sound is made from
its physics or its circuit: band-limited wavetables (never aliased, since a table holds no partial above the limit),
Karplus-Strong strings, frequency modulation, sums of decaying partials. A note's random parts are seeded by its
pitch, so the same note always sounds the same.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

import numpy as np
import scipy.signal
from numpy.typing import NDArray

__all__ = ["VOICES", "Voice"]

Floats = NDArray[np.float32]


class Voice(Protocol):
    """Makes the sound of one note."""

    def __call__(self, *, hz: float, length_s: float, sample_rate_hz: int, brightness: float) -> Floats:
        """Make the sound of one note.

        Parameters
        ----------
        hz : float
            Fundamental frequency.
        length_s : float
            How long the note is held; the sound goes on for its release.
        sample_rate_hz : int
            Sample rate.
        brightness : float
            Factor on the voice's cut-off frequency or on its index of modulation; 1 is its usual tone.

        Returns
        -------
        np.ndarray [shape=(n,), dtype=float32]
            The note at an amplitude of about 1.
        """
        ...  # pragma: no cover


# 8,192 samples a cycle keep the error of reading the nearest sample 70 dB down.
_CYCLE = 8_192

_SPECTRA: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = MappingProxyType(
    {
        "sine": lambda k: 1.0 * (k == 1),
        "saw": lambda k: 1.0 / k,
        "square": lambda k: (k % 2) / k,
        "pulse 25": lambda k: np.sin(np.pi * k * 0.25) / k,
        "pulse 12": lambda k: np.sin(np.pi * k * 0.125) / k,
        "triangle": lambda k: np.sin(np.pi * k / 2.0) / k**2,
        # Drawbars of an electric organ on the table of its 16' pipe: 16', 8', 5 1/3', 4', 2 2/3' and 2'.
        "organ": lambda k: np.interp(k, np.arange(1.0, 10.0), [0.5, 1.0, 0.2, 0.7, 0.0, 0.35, 0.0, 0.3, 0.0]),
        # A free reed is rich up to its tenth partial or so.
        "reed": lambda k: (0.6 + 0.4 * (k % 2)) / k**0.8,
    }
)


@lru_cache(maxsize=2_048)
def _table(shape: str, harmonics: int, cutoff: float) -> Floats:
    """One cycle, band-limited to `harmonics` and dulled above the `cutoff`-th of them by 12 dB an octave, RMS 0.5."""
    k = np.arange(1.0, harmonics + 1.0)
    spectrum = np.zeros(_CYCLE // 2 + 1, dtype=np.complex128)
    spectrum[1 : harmonics + 1] = -1j * _SPECTRA[shape](k) / (1.0 + (k / cutoff) ** 2)
    cycle = np.fft.irfft(spectrum)
    return np.asarray(0.5 * cycle / np.sqrt(np.mean(cycle**2)), dtype=np.float32)


def _read(table: Floats, phase: NDArray[np.float64]) -> Floats:
    """Look the samples of a table up by phase in cycles."""
    sound: Floats = table[(phase * _CYCLE).astype(np.int64) & (_CYCLE - 1)]
    return sound


def _tone(
    shape: str,
    *,
    hz: float,
    n: int,
    sample_rate_hz: int,
    cutoff_hz: float,
    cents: tuple[float, ...] = (0.0,),
    vibrato_cents: float = 0.0,
) -> Floats:
    """Oscillators side by side, each detuned by some cents, with a vibrato that sets in late."""
    harmonics = max(1, min(_CYCLE // 4, int(0.45 * sample_rate_hz / hz)))
    table = _table(shape, harmonics, max(0.5, round(cutoff_hz / hz, 2)))
    at = np.arange(n, dtype=np.float64)
    if vibrato_cents:
        time_s = at / sample_rate_hz
        onset = np.clip((time_s - 0.15) / 0.3, 0.0, 1.0)
        at = np.cumsum(2.0 ** (vibrato_cents / 1_200.0 * onset * np.sin(2.0 * np.pi * 5.3 * time_s)))
    sound = np.zeros(n, dtype=np.float32)
    for i, detune in enumerate(cents):
        step = hz * 2.0 ** (detune / 1_200.0) / sample_rate_hz
        sound += _read(table, at * step + 0.37 * i)
    return sound / np.float32(np.sqrt(len(cents)))


def _envelope(
    *, length_s: float, sample_rate_hz: int, attack_s: float, release_s: float, decay_s: float, sustain: float
) -> Floats:
    """Attack in a straight line, decay towards `sustain` exponentially, release exponentially after `length_s`."""
    n = max(1, round((length_s + release_s) * sample_rate_hz))
    time_s = np.arange(n, dtype=np.float32) / np.float32(sample_rate_hz)
    held = np.minimum(1.0, time_s / attack_s) * (
        sustain + (1.0 - sustain) * np.exp(-np.maximum(0.0, time_s - attack_s) / decay_s)
    )
    # Five time constants, and a straight line to zero, so that no note ends with a click.
    after = np.clip((time_s - length_s) / release_s, 0.0, 1.0)
    return np.asarray(held * np.exp(-5.0 * after) * (1.0 - after), dtype=np.float32)


def _noise(n: int, *, hz: float) -> Floats:
    """Noise of its own for each pitch."""
    return np.random.default_rng(round(hz * 16.0)).standard_normal(n).astype(np.float32)


def _synth(
    shape: str,
    *,
    cutoff_hz: float,
    attack_s: float = 0.005,
    release_s: float = 0.1,
    decay_s: float = 0.3,
    sustain: float = 0.7,
    cents: tuple[float, ...] = (0.0,),
    vibrato_cents: float = 0.0,
    opening: float = 1.0,
    octave: int = 0,
    breath: float = 0.0,
) -> Voice:
    """Make a subtractive synthesiser's voice; its filter opens `opening` times as wide on the attack."""

    def voice(*, hz: float, length_s: float, sample_rate_hz: int, brightness: float) -> Floats:
        envelope = _envelope(
            length_s=length_s,
            sample_rate_hz=sample_rate_hz,
            attack_s=attack_s,
            release_s=release_s,
            decay_s=decay_s,
            sustain=sustain,
        )
        n = len(envelope)

        def tone(cutoff_hz: float) -> Floats:
            return _tone(
                shape,
                hz=hz * 2.0**octave,
                n=n,
                sample_rate_hz=sample_rate_hz,
                cutoff_hz=cutoff_hz * brightness,
                cents=cents,
                vibrato_cents=vibrato_cents,
            )

        sound = tone(cutoff_hz)
        if opening != 1.0:
            # A moving filter costs a loop over samples; fading from the open tone to the closed one sounds alike.
            open_share = np.exp(-np.arange(n, dtype=np.float32) / np.float32(0.5 * decay_s * sample_rate_hz))
            sound = sound + open_share * (tone(cutoff_hz * opening) - sound)
        if breath:
            sound = sound + np.float32(breath) * _noise(n, hz=hz)
        return np.asarray(envelope * sound, dtype=np.float32)

    return voice


def _burst(n: int, *, hz: float, cutoff_hz: float) -> NDArray[np.float64]:
    """One period of noise as a pick leaves it: random phases, yet at every pitch the same fall above the cut-off."""
    k = np.arange(n // 2 + 1, dtype=np.float64)
    phases = np.random.default_rng(round(hz * 16.0)).uniform(0.0, 2.0 * np.pi, len(k))
    magnitudes = 1.0 / (1.0 + k * hz / cutoff_hz)
    # No string swings about another place than its own.
    magnitudes[0] = 0.0
    return np.fft.irfft(magnitudes * np.exp(1j * phases), n=n)


def _plucked(*, decay_s: float, damping: float, pick_hz: float, release_s: float = 0.12) -> Voice:
    """Make a string by Karplus and Strong (Computer Music Journal 7(2), 1983), tuned by linear interpolation."""

    def voice(*, hz: float, length_s: float, sample_rate_hz: int, brightness: float) -> Floats:
        n = max(1, round((length_s + release_s) * sample_rate_hz))
        # The averaging filter of the loop delays by `damping` samples of its own.
        period = sample_rate_hz / hz - damping
        whole = int(period)
        fraction = period - whole
        loss = 10.0 ** (-3.0 / (hz * decay_s))
        loop = loss * np.convolve([1.0 - damping, damping], [1.0 - fraction, fraction])
        feedback = np.zeros(whole + 3)
        feedback[0] = 1.0
        feedback[whole:] -= loop
        pick = np.zeros(n)
        burst = _burst(whole + 1, hz=hz, cutoff_hz=pick_hz * brightness)[:n]
        pick[: len(burst)] = burst
        string = scipy.signal.lfilter([1.0], feedback, pick)
        hand = _envelope(
            length_s=length_s,
            sample_rate_hz=sample_rate_hz,
            attack_s=0.001,
            release_s=release_s,
            decay_s=1.0,
            sustain=1.0,
        )
        return np.asarray(hand * string / max(1e-9, float(np.max(np.abs(string)))), dtype=np.float32)

    return voice


def _modulated(*, ratio: float, index: float, decay_s: float, index_decay_s: float, release_s: float = 0.15) -> Voice:
    """Frequency modulation by Chowning (Journal of the AES 21(7), 1973): bells, bars, electric pianos."""

    def voice(*, hz: float, length_s: float, sample_rate_hz: int, brightness: float) -> Floats:
        envelope = _envelope(
            length_s=length_s,
            sample_rate_hz=sample_rate_hz,
            attack_s=0.002,
            release_s=release_s,
            decay_s=decay_s,
            sustain=0.0,
        )
        sine = _table("sine", 1, 1.0)
        at = np.arange(len(envelope), dtype=np.float64) / sample_rate_hz
        # The upper side bands must stay below half the sample rate.
        widest = max(0.0, (0.45 * sample_rate_hz / hz - 1.0) / ratio - 1.0)
        depth = min(index * brightness, widest) * np.exp(-at / index_decay_s)
        modulator = _read(sine, at * hz * ratio)
        return np.asarray(envelope * _read(sine, at * hz + depth * modulator / np.pi), dtype=np.float32)

    return voice


def _struck(*, partials: int, slope: float, stiffness: float, decay_s: float) -> Voice:
    """Make a struck string as a sum of partials, stretched by its stiffness; the higher, the sooner gone."""

    def voice(*, hz: float, length_s: float, sample_rate_hz: int, brightness: float) -> Floats:
        envelope = _envelope(
            length_s=length_s, sample_rate_hz=sample_rate_hz, attack_s=0.003, release_s=0.2, decay_s=1.0, sustain=1.0
        )
        sine = _table("sine", 1, 1.0)
        at = np.arange(len(envelope), dtype=np.float64) / sample_rate_hz
        # Low strings ring longer.
        ring_s = decay_s * (261.6 / hz) ** 0.5
        sound = np.zeros(len(at), dtype=np.float32)
        for k in range(1, partials + 1):
            # The first partial is the note's pitch, however stiff the string.
            partial_hz = k * hz * np.sqrt((1.0 + stiffness * k**2) / (1.0 + stiffness))
            if partial_hz > 0.45 * sample_rate_hz:
                break
            fade = np.exp(-at.astype(np.float32) * np.float32((0.6 + 0.4 * k) / ring_s))
            sound += np.float32(k ** (-slope / brightness)) * fade * _read(sine, at * partial_hz + 0.11 * k)
        return np.asarray(envelope * sound, dtype=np.float32)

    return voice


VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        # Strings under a finger.
        "nylon guitar": _plucked(decay_s=2.5, damping=0.5, pick_hz=1_400.0),
        "steel guitar": _plucked(decay_s=4.0, damping=0.3, pick_hz=4_000.0),
        "electric guitar": _plucked(decay_s=6.0, damping=0.25, pick_hz=3_000.0, release_s=0.05),
        "pizzicato": _plucked(decay_s=0.5, damping=0.5, pick_hz=1_200.0),
        "upright bass": _plucked(decay_s=1.5, damping=0.5, pick_hz=500.0),
        "picked bass": _plucked(decay_s=4.0, damping=0.4, pick_hz=1_800.0),
        # Struck.
        "piano": _struck(partials=12, slope=1.4, stiffness=4e-4, decay_s=1.6),
        "music box": _struck(partials=4, slope=1.2, stiffness=0.12, decay_s=0.8),
        "electric piano": _modulated(ratio=1.0, index=1.3, decay_s=1.6, index_decay_s=0.5, release_s=0.25),
        "tine piano": _modulated(ratio=14.0, index=0.35, decay_s=1.8, index_decay_s=0.12, release_s=0.25),
        "marimba": _modulated(ratio=4.0, index=0.9, decay_s=0.25, index_decay_s=0.06),
        "bell": _modulated(ratio=3.5, index=2.0, decay_s=1.6, index_decay_s=0.9, release_s=1.2),
        # Bowed, blown, sung.
        "strings": _synth("saw", cutoff_hz=2_200.0, attack_s=0.18, release_s=0.35, cents=(-9.0, 0.0, 8.0), sustain=0.9),
        "violin": _synth("saw", cutoff_hz=2_800.0, attack_s=0.07, release_s=0.15, sustain=0.9, vibrato_cents=22.0),
        "flute": _synth(
            "triangle", cutoff_hz=2_500.0, attack_s=0.06, release_s=0.12, sustain=0.9, vibrato_cents=12.0, breath=0.03
        ),
        "whistle": _synth("sine", cutoff_hz=9e9, attack_s=0.04, sustain=0.95, vibrato_cents=18.0, breath=0.01),
        "accordion": _synth("reed", cutoff_hz=3_000.0, attack_s=0.04, release_s=0.08, sustain=0.95, cents=(-7.0, 7.0)),
        "choir": _synth(
            "pulse 25", cutoff_hz=900.0, attack_s=0.5, release_s=0.9, sustain=0.95, cents=(-11.0, 0.0, 10.0)
        ),
        "organ": _synth("organ", cutoff_hz=6_000.0, attack_s=0.006, release_s=0.06, sustain=1.0, octave=-1),
        # Synthesisers.
        "warm pad": _synth(
            "saw", cutoff_hz=700.0, attack_s=0.7, release_s=1.2, sustain=1.0, cents=(-8.0, 8.0), decay_s=1.0
        ),
        "glass pad": _synth(
            "triangle", cutoff_hz=4_000.0, attack_s=0.9, release_s=1.5, sustain=1.0, cents=(-5.0, 6.0), octave=1
        ),
        "supersaw": _synth(
            "saw", cutoff_hz=5_000.0, attack_s=0.01, release_s=0.2, sustain=0.8, cents=(-14.0, -5.0, 5.0, 14.0)
        ),
        "stab": _synth(
            "saw", cutoff_hz=900.0, opening=4.0, decay_s=0.18, sustain=0.15, release_s=0.12, cents=(-7.0, 7.0)
        ),
        "saw lead": _synth("saw", cutoff_hz=3_500.0, cents=(-4.0, 4.0), sustain=0.8, vibrato_cents=10.0),
        "square lead": _synth("square", cutoff_hz=3_000.0, sustain=0.8, vibrato_cents=12.0),
        "sequence": _synth("saw", cutoff_hz=800.0, opening=5.0, decay_s=0.12, sustain=0.2, release_s=0.06),
        "saw bass": _synth("saw", cutoff_hz=350.0, opening=4.0, decay_s=0.16, sustain=0.6, release_s=0.05),
        "square bass": _synth("square", cutoff_hz=400.0, opening=3.0, decay_s=0.2, sustain=0.7, release_s=0.05),
        "sub bass": _synth("triangle", cutoff_hz=250.0, attack_s=0.008, sustain=0.9, release_s=0.06),
        # A sound chip of the eighties: no filter at all.
        "pulse 12": _synth("pulse 12", cutoff_hz=9e9, attack_s=0.002, decay_s=0.1, sustain=0.5, release_s=0.01),
        "pulse 25": _synth(
            "pulse 25", cutoff_hz=9e9, attack_s=0.002, decay_s=0.2, sustain=0.6, release_s=0.02, vibrato_cents=20.0
        ),
        "pulse 50": _synth("square", cutoff_hz=9e9, attack_s=0.002, decay_s=0.15, sustain=0.6, release_s=0.02),
        "chip triangle": _synth("triangle", cutoff_hz=9e9, attack_s=0.001, sustain=1.0, release_s=0.01),
    }
)
