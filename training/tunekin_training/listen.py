"""Hear a collection: the features of every recording, and of cuts as short as clips are, clean and damaged.

What a listener records went through a room, a small loudspeaker, a telephone or noise. The classifier learns from cuts
of 3 to 15 s that chance damaged in these ways; it is asked about cuts of 6 s in fixed conditions, from which nothing is
learnt.
"""

import hashlib
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_featurizer.featurize import featurize
from tunekin_training.collection import Recording, read
from tunekin_training.corpus import Corpus
from tunekin_training.steps import Arrays, Steps

__all__ = ["CONDITIONS", "CUTS", "CUT_S", "LEARNT_S", "Heard", "hear", "listen", "make_corpus"]

# The length of a typical clip, which is asked about.
CUT_S = 6.0
# Shortest and longest of those that are learnt from.
LEARNT_S = (3.0, 15.0)
_RATE_HZ = FEATURES.sample_rate_hz
# From as loud as the file is to as soft as a phone across the room.
_GAIN_DB = (-24.0, 0.0)
_INT16 = 32_767
_COLOURS: tuple[Literal["white", "pink"], ...] = ("white", "pink")
# Of each kind and track: 30 s then are covered twice by clean cuts.
_CLEAN_CUTS, _DAMAGED_CUTS, _ASKED_CUTS = 8, 4, 4

_Signal = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """What was heard of one recording.

    Attributes
    ----------
    summary : np.ndarray [shape=(d,), dtype=float32]
        Of all of it.
    cuts : np.ndarray [shape=(c, d), dtype=float32]
        Of cuts at random places, lengths, gains and damages, to learn from.
    asked_cuts : mapping of str to np.ndarray [shape=(q, d), dtype=float32]
        Of cuts of 6 s, the same ones in every condition.
    """

    summary: NDArray[np.float32]
    cuts: NDArray[np.float32]
    asked_cuts: Mapping[str, NDArray[np.float32]]


def _noise(cut: _Signal, chance: np.random.Generator) -> _Signal:
    colour = _COLOURS[int(chance.integers(len(_COLOURS)))]
    return bad_microphone.add_noise(cut, snr_db=chance.uniform(10, 30), colour=colour, seed=_seed(chance))


def _phone(cut: _Signal, chance: np.random.Generator) -> _Signal:
    low_hz, high_hz = chance.uniform(200, 400), chance.uniform(3_000, 4_000)
    heard = bad_microphone.telephone_band(cut, sample_rate_hz=_RATE_HZ, low_hz=low_hz, high_hz=high_hz)
    return bad_microphone.add_noise(heard, snr_db=chance.uniform(10, 25), seed=_seed(chance))


def _room(cut: _Signal, chance: np.random.Generator) -> _Signal:
    low_hz, high_hz = chance.uniform(100, 300), chance.uniform(6_000, 10_000)
    played = bad_microphone.small_speaker(
        cut, sample_rate_hz=_RATE_HZ, low_hz=low_hz, high_hz=high_hz, amount=chance.uniform(0.5, 2)
    )
    heard = bad_microphone.room(
        played,
        sample_rate_hz=_RATE_HZ,
        rt60_s=chance.uniform(0.2, 0.7),
        direct_to_reverberant_db=chance.uniform(0, 10),
        seed=_seed(chance),
    )
    return bad_microphone.add_noise(heard, snr_db=chance.uniform(15, 30), seed=_seed(chance))


def _seed(chance: np.random.Generator) -> int:
    return int(chance.integers(2**31))


_DAMAGES = (_noise, _phone, _room)
# Cuts of a track that are learnt from.
CUTS = _CLEAN_CUTS + _DAMAGED_CUTS * len(_DAMAGES)
# What a cut goes through that is asked about; the names are those of the quality benchmark.
CONDITIONS: Mapping[str, Callable[[_Signal, int], _Signal]] = {
    "clean": lambda cut, _: cut,
    "noise20": lambda cut, seed: bad_microphone.add_noise(cut, snr_db=20.0, seed=seed),
    "phone15": lambda cut, seed: bad_microphone.add_noise(
        bad_microphone.telephone_band(cut, sample_rate_hz=_RATE_HZ), snr_db=15.0, seed=seed
    ),
    "reverb": lambda cut, seed: bad_microphone.room(
        bad_microphone.small_speaker(cut, sample_rate_hz=_RATE_HZ), sample_rate_hz=_RATE_HZ, rt60_s=0.6, seed=seed
    ),
}


def hear(signal: _Signal, *, seed: Sequence[int]) -> Heard:
    """Compute what training needs of a signal.

    Parameters
    ----------
    signal : np.ndarray [shape=(n,), dtype=float32]
        Mono, at the feature version's sample rate, not silent. Shorter than a cut, it is its only cut.
    seed : sequence of int
        Which cuts, gains and damages.

    Returns
    -------
    Heard
        Summaries.
    """
    chance = np.random.default_rng(seed)
    cuts = [_summary(_cut(signal, _learnt_s(chance), chance), chance) for _ in range(_CLEAN_CUTS)]
    for damage in _DAMAGES:
        for _ in range(_DAMAGED_CUTS):
            cut = _cut(signal, _learnt_s(chance), chance)
            cuts.append(_summary(damage(cut, chance) if cut.any() else cut, chance))
    asked: dict[str, list[NDArray[np.float32]]] = {name: [] for name in CONDITIONS}
    for _ in range(_ASKED_CUTS):
        cut, noise_seed = _cut(signal, CUT_S, chance), _seed(chance)
        for name, condition in CONDITIONS.items():
            asked[name].append(_summary(condition(cut, noise_seed) if cut.any() else cut, chance))
    return Heard(
        summary=featurize(_as_pcm(signal)).summary,
        cuts=np.stack(cuts),
        asked_cuts={name: np.stack(summaries) for name, summaries in asked.items()},
    )


def listen(recordings: Sequence[Recording], *, seed: int, steps: Steps) -> list[tuple[Recording, Heard | str]]:
    """Hear recordings.

    Parameters
    ----------
    recordings : sequence of Recording
        What to hear.
    seed : int
        Of the cuts. What is cut out of a recording depends on its name, not on the others.
    steps : Steps
        Hears each recording once, as long as its bytes and the features stay the same.

    Returns
    -------
    list of (Recording, Heard or str)
        In order; a string says why a recording can't be used.
    """
    tasks = [(str(one.path), _content(one.path), one.name, seed, FEATURES) for one in recordings]
    results = steps.run("listening", hear_step, tasks)
    return [(one, _heard(result)) for one, result in zip(recordings, results, strict=True)]


def hear_step(path: str, content: str, name: str, seed: int, version: object) -> Arrays:  # noqa: ARG001 -- what is kept depends on both
    """Hear one recording; a step of `tunekin_training.steps`.

    Parameters
    ----------
    path : str
        The file.
    content : str
        Hash of its bytes.
    name : str
        What a report calls the recording.
    seed : int
        Of the cuts.
    version : object
        Of the features.

    Returns
    -------
    mapping of str to np.ndarray
        ``summary``, ``cuts`` and an array for each condition, as `Heard` has them; or ``problem``, why there are none.
    """
    try:
        signal = read(Recording(path=Path(path), name=name))
    except OSError as error:
        return {"problem": np.array(f"it can't be read: {error}")}
    if not signal.any():
        return {"problem": np.array("it is silent")}
    heard = hear(signal, seed=(seed, zlib.crc32(name.encode())))
    return {"summary": heard.summary, "cuts": heard.cuts, **heard.asked_cuts}


def make_corpus(heard: Sequence[tuple[Recording, Heard]]) -> Corpus:
    """Put together what was heard.

    Parameters
    ----------
    heard : sequence of (Recording, Heard)
        At least one.

    Returns
    -------
    Corpus
        In the same order.
    """
    recordings = [recording for recording, _ in heard]
    emotion_names = tuple(dict.fromkeys(name for recording in recordings for name in recording.emotions))
    emotions = [[recording.emotions.get(name, math.nan) for name in emotion_names] for recording in recordings]
    return Corpus(
        names=tuple(recording.name for recording in recordings),
        artists=tuple(recording.artist for recording in recordings),
        albums=tuple(recording.album for recording in recordings),
        licences=tuple(recording.licence for recording in recordings),
        summaries=np.stack([features.summary for _, features in heard]),
        cuts=np.stack([features.cuts for _, features in heard]),
        asked_cuts={name: np.stack([features.asked_cuts[name] for _, features in heard]) for name in CONDITIONS},
        emotion_names=emotion_names,
        emotions=np.array(emotions, dtype=np.float64).reshape(len(recordings), len(emotion_names)),
    )


def _heard(result: Arrays) -> Heard | str:
    if "problem" in result:
        return str(result["problem"])
    return Heard(summary=result["summary"], cuts=result["cuts"], asked_cuts={name: result[name] for name in CONDITIONS})


def _content(path: Path) -> str:
    """Hash of a file; empty where it can't be read, as reading it then says."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _learnt_s(chance: np.random.Generator) -> float:
    """Length of a cut, as often between 3 and 6 s as between 6 and 12 s."""
    shortest, longest = np.log(LEARNT_S)
    return float(np.exp(chance.uniform(shortest, longest)))


def _cut(signal: _Signal, duration_s: float, chance: np.random.Generator) -> _Signal:
    """Cut at a random place."""
    duration_s = min(duration_s, len(signal) / _RATE_HZ)
    start_s = chance.uniform(0.0, len(signal) / _RATE_HZ - duration_s)
    return bad_microphone.cut(signal, start_s=start_s, duration_s=duration_s, sample_rate_hz=_RATE_HZ)


def _summary(cut: _Signal, chance: np.random.Generator) -> NDArray[np.float32]:
    """Summary of a cut at a random gain, as a clip reaches the featurizer."""
    return featurize(_as_pcm(bad_microphone.gain(cut, gain_db=chance.uniform(*_GAIN_DB)))).summary


def _as_pcm(signal: _Signal) -> _Signal:
    """Round and clip the signal to int16, as it is between the services."""
    return np.asarray(np.clip(np.round(signal * _INT16), -_INT16, _INT16) / np.float32(_INT16), dtype=np.float32)
