"""Playing a piece: from notes to sound.

A piece is played in four steps: every part's notes are added up and brought to the part's level; the parts are mixed
with what the room returns of them; the mix passes through the style's master effects; the result is brought to the peak
level.
"""

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import OptionError
from tunekin_demo.compose.arrange import Line, score
from tunekin_demo.compose.drums import DRUMS
from tunekin_demo.compose.effects import band, convolve, diffuse_tail, drive, echo, pump, tremolo, wobble
from tunekin_demo.compose.harmony import frequency_hz
from tunekin_demo.compose.instruments import VOICES
from tunekin_demo.compose.pieces import TAIL_S, Piece
from tunekin_demo.compose.styles import STYLES

__all__ = ["PEAK_DBFS", "render"]

# Leaves room for what a lossy codec overshoots.
PEAK_DBFS = -1.0

_LOWEST_SAMPLE_RATE_HZ = 8_000

Floats = NDArray[np.float32]


# 80 dB below full scale nothing is heard.
_SILENCE = 1e-4


def _sounding_level_db(y: Floats) -> float:
    """RMS of what is more than silence."""
    sounding = y[np.abs(y) > _SILENCE]
    return 10.0 * float(np.log10(np.mean(sounding**2))) if len(sounding) else 0.0


def _amplitude(level_db: float) -> np.float32:
    return np.float32(10.0 ** (level_db / 20.0))


class _Player:
    """Plays the lines of one piece; notes that recur are made once."""

    def __init__(self, piece: Piece, *, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._beat_s = 60.0 / piece.tempo_bpm
        self._n = round(piece.duration_s * sample_rate_hz)
        # Another stream than the score's, so that a change of the notes leaves the timbres alone.
        rng = np.random.default_rng([piece.seed, 1])
        self._tuning = float(rng.uniform(0.88, 1.14))
        self._brightness = float(rng.uniform(0.75, 1.35))
        self._levels_db = rng.uniform(-2.0, 2.0, len(STYLES[piece.style].parts))

    def play(self, line: Line, *, nth: int) -> Floats:
        """Play one line, at its level and through its effect."""
        is_drum = line.part.role == "drum"
        bus = self._add_up(line)
        level_db = line.part.level_db + self._levels_db[nth]
        if line.part.effect == "drive":
            # A speaker cabinet takes away what the distortion adds at the top.
            bus = band(drive(bus, amount=12.0), low_hz=90.0, high_hz=4_500.0, sample_rate_hz=self._rate)
        if not is_drum:
            level_db -= _sounding_level_db(bus)
        bus = bus * _amplitude(level_db)
        if line.part.effect == "echo":
            bus = echo(bus, delay_s=0.5 * self._beat_s, feedback=0.35, sample_rate_hz=self._rate)
        elif line.part.effect == "pump":
            bus = pump(bus, beat_s=self._beat_s, offset_s=0.0, depth=0.8, sample_rate_hz=self._rate)
        elif line.part.effect == "tremolo":
            bus = tremolo(bus, rate_hz=4.5, depth=0.35, sample_rate_hz=self._rate)
        return bus

    def _add_up(self, line: Line) -> Floats:
        """Add the notes of a line."""
        bus = np.zeros(self._n, dtype=np.float32)
        made: dict[tuple[int, int], Floats] = {}
        for note in line.notes:
            # To the nearest 10 ms, so that notes of one written length are one sound.
            key = (note.pitch, max(2, round(100.0 * note.length_s)))
            if key not in made:
                made[key] = self._sound(line, pitch=note.pitch, length_s=key[1] / 100.0)
            start = round(note.start_s * self._rate)
            sound = made[key][: max(0, self._n - start)]
            bus[start : start + len(sound)] += np.float32(note.velocity) * sound
        return bus

    def _sound(self, line: Line, *, pitch: int, length_s: float) -> Floats:
        """Make one note or stroke."""
        if line.part.role == "drum":
            return DRUMS[line.voice](sample_rate_hz=self._rate, tuning=self._tuning)
        return VOICES[line.voice](
            hz=frequency_hz(pitch), length_s=length_s, sample_rate_hz=self._rate, brightness=self._brightness
        )


def _crackle(n: int, *, sample_rate_hz: int, seed: int) -> Floats:
    """Make a record's dust: some twelve ticks a second, and a soft hiss."""
    rng = np.random.default_rng([seed, 2])
    ticks = (rng.random(n) < 12.0 / sample_rate_hz) * rng.exponential(0.03, n) * rng.choice([-1.0, 1.0], n)
    hiss = 0.0012 * rng.standard_normal(n)
    return band(ticks + hiss, low_hz=600.0, high_hz=6_000.0, sample_rate_hz=sample_rate_hz)


def _master(mix: Floats, *, effects: tuple[str, ...], sample_rate_hz: int, seed: int) -> Floats:
    """Pass the mix through the style's last effects."""
    for effect in effects:
        if effect == "drive":
            mix = drive(mix, amount=1.5)
        elif effect == "dull":
            mix = band(mix, high_hz=4_200.0, sample_rate_hz=sample_rate_hz)
        elif effect == "wobble":
            mix = wobble(mix, rate_hz=0.6, depth_s=0.002, sample_rate_hz=sample_rate_hz)
        elif effect == "crackle":
            mix = mix + float(np.max(np.abs(mix))) * _crackle(len(mix), sample_rate_hz=sample_rate_hz, seed=seed)
    return mix


def render(piece: Piece, *, sample_rate_hz: int = 22_050) -> Floats:
    """Play a piece.

    Parameters
    ----------
    piece : Piece
        The piece.
    sample_rate_hz : int
        Sample rate, at least 8,000 Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        Mono sound of ``round(duration_s * sample_rate_hz)`` samples with a peak of -1 dBFS; the same piece gives the
        same sound.

    Raises
    ------
    OptionError
        If the sample rate is too low.
    """
    if sample_rate_hz < _LOWEST_SAMPLE_RATE_HZ:
        raise OptionError(
            f"sample_rate_hz is {sample_rate_hz}", hint=f"Give a sample rate of {_LOWEST_SAMPLE_RATE_HZ} Hz or more."
        )
    style = STYLES[piece.style]
    player = _Player(piece, sample_rate_hz=sample_rate_hz)
    n = round(piece.duration_s * sample_rate_hz)
    dry = np.zeros(n, dtype=np.float32)
    room = np.zeros(n, dtype=np.float32)
    for nth, line in enumerate(score(piece)):
        sound = player.play(line, nth=nth)
        dry += sound
        room += np.float32(line.part.reverb) * sound
    # The room takes no deep bass, which would only make the mix muddy.
    room = band(room, low_hz=180.0, high_hz=6_500.0, sample_rate_hz=sample_rate_hz)
    tail = diffuse_tail(rt60_s=style.rt60_s, sample_rate_hz=sample_rate_hz, seed=piece.seed)
    mix = dry + convolve(room, response=tail)
    mix = _master(mix, effects=style.master, sample_rate_hz=sample_rate_hz, seed=piece.seed)
    mix = band(mix, low_hz=30.0, sample_rate_hz=sample_rate_hz)
    fade = min(n, round(0.5 * TAIL_S * sample_rate_hz))
    mix[n - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32) ** 2
    return mix * (_amplitude(PEAK_DBFS) / np.float32(np.max(np.abs(mix))))
