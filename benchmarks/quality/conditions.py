"""What may happen to a clip between the song and the phone.

A condition takes the whole track, so that a faster clip of 6 s has heard more than 6 s of it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import librosa
import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder

__all__ = ["CLIP_S", "CONDITIONS", "KIN", "Condition", "Signal", "begin_s"]

Signal = NDArray[np.float32]
# From track, start in seconds, seed and decoder to the clip as it is heard.
Condition = Callable[[Signal, float, int, SandboxedDecoder], Signal]

CLIP_S = 6.0
_RATE = FEATURES.sample_rate_hz
_TEMPO = 0.06
_CLIPPING_DB = 12.0
# What other clips than those of 6 s take of their track.
_TAKEN_S: Mapping[str, float] = MappingProxyType(
    {
        "tempo_up": CLIP_S * (1 + _TEMPO),
        "tempo_down": CLIP_S * (1 - _TEMPO),
        "short2": 2.0,
        "short3": 3.0,
        "short4": 4.0,
        "long10": 10.0,
    }
)


def begin_s(condition: str, *, start_s: float, track_s: float) -> float:
    """Say where a clip begins: where it should, or earlier where so much is not left of the track.

    Parameters
    ----------
    condition : str
        One of `CONDITIONS`.
    start_s : float
        Where it should begin.
    track_s : float
        Length of the track.

    Returns
    -------
    float
        Seconds into the track.

    Examples
    --------
    >>> begin_s("long10", start_s=22.0, track_s=30.0)
    20.0
    """
    return _fitting(start_s, taken_s=_TAKEN_S.get(condition, CLIP_S), track_s=track_s)


def _fitting(start_s: float, *, taken_s: float, track_s: float) -> float:
    return min(start_s, max(track_s - taken_s, 0.0))


def _cut(y: Signal, start_s: float, duration_s: float = CLIP_S) -> Signal:
    start_s = _fitting(start_s, taken_s=duration_s, track_s=len(y) / _RATE)
    return bad_microphone.cut(
        y, start_s=start_s, duration_s=min(duration_s, len(y) / _RATE - start_s), sample_rate_hz=_RATE
    )


def _noisy(snr_db: float, colour: str, duration_s: float = CLIP_S) -> Condition:
    def heard(y: Signal, start_s: float, seed: int, _decoder: SandboxedDecoder) -> Signal:
        return bad_microphone.add_noise(
            _cut(y, start_s, duration_s), snr_db=snr_db, colour="pink" if colour == "pink" else "white", seed=seed
        )

    return heard


def _phone(y: Signal, start_s: float, seed: int, _decoder: SandboxedDecoder) -> Signal:
    narrow = bad_microphone.telephone_band(_cut(y, start_s), sample_rate_hz=_RATE)
    return bad_microphone.add_noise(narrow, snr_db=15.0, seed=seed)


def _speaker(y: Signal, start_s: float, _seed: int, _decoder: SandboxedDecoder) -> Signal:
    return bad_microphone.small_speaker(_cut(y, start_s), sample_rate_hz=_RATE)


def _reverb(y: Signal, start_s: float, seed: int, decoder: SandboxedDecoder) -> Signal:
    spoken = _speaker(y, start_s, seed, decoder)
    return bad_microphone.room(spoken, sample_rate_hz=_RATE, rt60_s=0.6, seed=seed)


def _noisy_reverb(y: Signal, start_s: float, seed: int, decoder: SandboxedDecoder) -> Signal:
    return bad_microphone.add_noise(_reverb(y, start_s, seed, decoder), snr_db=10.0, colour="pink", seed=seed)


def _decoded(decoder: SandboxedDecoder, data: bytes) -> Signal:
    return decoder.decode(data).signal


def _reencoded(y: Signal, start_s: float, seed: int, decoder: SandboxedDecoder) -> Signal:
    gain_db = np.random.default_rng(seed).uniform(-20.0, 6.0)
    noisy = bad_microphone.add_noise(_cut(y, start_s), snr_db=20.0, seed=seed)
    played = np.clip(bad_microphone.gain(noisy, gain_db=gain_db), -1.0, 1.0)
    return _decoded(decoder, bad_microphone.encode(played, sample_rate_hz=_RATE, codec="mp3", bitrate_bps=64_000))


def _voice_note(y: Signal, start_s: float, _seed: int, decoder: SandboxedDecoder) -> Signal:
    clip = np.clip(_cut(y, start_s), -1.0, 1.0)
    return _decoded(decoder, bad_microphone.encode(clip, sample_rate_hz=_RATE, codec="opus", bitrate_bps=16_000))


def _mp3(y: Signal, start_s: float, _seed: int, decoder: SandboxedDecoder) -> Signal:
    clip = np.clip(_cut(y, start_s), -1.0, 1.0)
    return _decoded(decoder, bad_microphone.encode(clip, sample_rate_hz=_RATE, codec="mp3", bitrate_bps=16_000))


def _clipped(y: Signal, start_s: float, _seed: int, _decoder: SandboxedDecoder) -> Signal:
    clip = _cut(y, start_s)
    peak = max(float(np.abs(clip).max()), float(np.finfo(np.float32).tiny))
    return np.clip(bad_microphone.gain(clip / np.float32(peak), gain_db=_CLIPPING_DB), -1.0, 1.0)


def _tempo(rate: float) -> Condition:
    def heard(y: Signal, start_s: float, _seed: int, _decoder: SandboxedDecoder) -> Signal:
        return np.asarray(librosa.effects.time_stretch(_cut(y, start_s, CLIP_S * rate), rate=rate), dtype=np.float32)

    return heard


def _pitch(semitones: float) -> Condition:
    def heard(y: Signal, start_s: float, _seed: int, _decoder: SandboxedDecoder) -> Signal:
        return np.asarray(librosa.effects.pitch_shift(_cut(y, start_s), sr=_RATE, n_steps=semitones), dtype=np.float32)

    return heard


CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        "clean": lambda y, start_s, _seed, _decoder: _cut(y, start_s),
        "noise20": _noisy(20.0, "white"),
        "noise10": _noisy(10.0, "white"),
        "noise5": _noisy(5.0, "white"),
        "pink10": _noisy(10.0, "pink"),
        "phone15": _phone,
        "speaker": _speaker,
        "reverb": _reverb,
        "reverb_pink10": _noisy_reverb,
        "reencoded": _reencoded,
        "opus16": _voice_note,
        "mp3_16": _mp3,
        "clipped": _clipped,
        "tempo_up": _tempo(1 + _TEMPO),
        "tempo_down": _tempo(1 - _TEMPO),
        "pitch_up": _pitch(1.0),
        "pitch_down": _pitch(-1.0),
        "short2": _noisy(20.0, "white", _TAKEN_S["short2"]),
        "short3": _noisy(20.0, "white", _TAKEN_S["short3"]),
        "short4": _noisy(20.0, "white", _TAKEN_S["short4"]),
        "long10": _noisy(20.0, "white", _TAKEN_S["long10"]),
    }
)
# Those whose kin are scored too.
KIN = ("clean", "noise20", "noise5", "phone15", "reverb", "opus16")
