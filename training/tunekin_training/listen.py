"""Hear a collection: the features of every recording, and of cuts as short as clips are."""

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_featurizer.featurize import featurize
from tunekin_training.collection import Recording, read
from tunekin_training.corpus import Corpus

__all__ = ["CUT_S", "NOISE_DB", "Heard", "hear", "listen", "make_corpus"]

# The length of a typical clip.
CUT_S = 6.0
# What a microphone in a quiet room adds lies about so far below the music.
NOISE_DB = 20.0
_RATE_HZ = FEATURES.sample_rate_hz
# Of each kind and track: 30 s then are covered once by clean and once by noisy cuts.
_CUTS = 4
# From as loud as the file is to as soft as a phone across the room.
_GAIN_DB = (-24.0, 0.0)
_INT16 = 32_767


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """What was heard of one recording.

    Attributes
    ----------
    summary : np.ndarray [shape=(d,), dtype=float32]
        Of all of it.
    clean_cuts, noisy_cuts : np.ndarray [shape=(c, d), dtype=float32]
        Of cuts at random places and gains.
    """

    summary: NDArray[np.float32]
    clean_cuts: NDArray[np.float32]
    noisy_cuts: NDArray[np.float32]


def hear(signal: NDArray[np.float32], *, seed: Sequence[int]) -> Heard:
    """Compute what training needs of a signal.

    Parameters
    ----------
    signal : np.ndarray [shape=(n,), dtype=float32]
        Mono, at the feature version's sample rate, not silent. Shorter than a cut, it is its only cut.
    seed : sequence of int
        Which cuts, gains and noise.

    Returns
    -------
    Heard
        Summaries.
    """
    chance = np.random.default_rng(seed)
    clean = np.stack([featurize(_cut(signal, chance=chance, noisy=False)).summary for _ in range(_CUTS)])
    noisy = np.stack([featurize(_cut(signal, chance=chance, noisy=True)).summary for _ in range(_CUTS)])
    return Heard(summary=featurize(_as_pcm(signal)).summary, clean_cuts=clean, noisy_cuts=noisy)


def listen(
    recordings: Sequence[Recording], *, seed: int, workers: int, on_heard: Callable[[], None] = lambda: None
) -> Iterator[tuple[Recording, Heard | str]]:
    """Hear recordings in several processes.

    Parameters
    ----------
    recordings : sequence of Recording
        What to hear.
    seed : int
        Of the cuts. What is cut out of a recording depends on its name, not on the others.
    workers : int
        Processes.
    on_heard : callable
        Called after each recording.

    Yields
    ------
    (Recording, Heard or str)
        In order; a string says why a recording can't be used.
    """
    # A fresh interpreter: a fork would inherit the thread pools of numerical libraries in whatever state they are.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_hear_recording, recording, seed) for recording in recordings]
        for _ in as_completed(tasks):
            on_heard()
    yield from zip(recordings, (task.result() for task in tasks), strict=True)


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
        licences=tuple(recording.licence for recording in recordings),
        summaries=np.stack([features.summary for _, features in heard]),
        clean_cuts=np.stack([features.clean_cuts for _, features in heard]),
        noisy_cuts=np.stack([features.noisy_cuts for _, features in heard]),
        emotion_names=emotion_names,
        emotions=np.array(emotions, dtype=np.float64).reshape(len(recordings), len(emotion_names)),
    )


def _hear_recording(recording: Recording, seed: int) -> Heard | str:
    """Features of one recording, or why there are none."""
    try:
        signal = read(recording)
    except OSError as error:
        return f"it can't be read: {error}"
    if not signal.any():
        return "it is silent"
    return hear(signal, seed=(seed, zlib.crc32(recording.name.encode())))


def _cut(signal: NDArray[np.float32], *, chance: np.random.Generator, noisy: bool) -> NDArray[np.float32]:
    """Cut at a random place and gain, as a clip reaches the featurizer."""
    duration_s = min(CUT_S, len(signal) / _RATE_HZ)
    start_s = chance.uniform(0.0, len(signal) / _RATE_HZ - duration_s)
    cut = bad_microphone.cut(signal, start_s=start_s, duration_s=duration_s, sample_rate_hz=_RATE_HZ)
    gain_db, noise_seed = chance.uniform(*_GAIN_DB), int(chance.integers(2**31))
    if noisy and cut.any():
        cut = bad_microphone.add_noise(cut, snr_db=NOISE_DB, seed=noise_seed)
    return _as_pcm(bad_microphone.gain(cut, gain_db=gain_db))


def _as_pcm(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round and clip the signal to int16, as it is between the services."""
    return np.asarray(np.clip(np.round(signal * _INT16), -_INT16, _INT16) / np.float32(_INT16), dtype=np.float32)
