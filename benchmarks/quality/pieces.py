"""Hear the music of a manifest: each track whole, and its clip under every condition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.conditions import CLIP_S, CONDITIONS, Signal
from tunekin.features import FEATURES
from tunekin.process_pool import process_pool
from tunekin_featurizer.featurize import Analysis, FeatureSet, analyse, featurize
from tunekin_featurizer.mfcc import levels_db, mel_power
from tunekin_featurizer.stft import magnitude
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits
from tunekin_training.collection import Recording, read

__all__ = ["Heard", "Piece", "hear"]

_RATE = FEATURES.sample_rate_hz


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """What simple methods are given of a sound.

    Attributes
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float16]
        Mel levels in dB, relative to a power of 1.
    analysis : Analysis
        Every feature, column by column.
    """

    levels: NDArray[np.float16]
    analysis: Analysis


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A track with what was heard of it and of its clip.

    Attributes
    ----------
    number : int
        Place in the manifest.
    start_s, duration_s : float
        Where the clip begins, and how long the track is.
    whole : FeatureSet
        Features of the track.
    clips : mapping of str to FeatureSet
        Features of the clip by condition.
    heard : mapping of str to Heard
        The track (``whole``) and some clips as simple methods take them.
    """

    number: int
    start_s: float
    duration_s: float
    whole: FeatureSet
    clips: Mapping[str, FeatureSet]
    heard: Mapping[str, Heard]


def hear(
    recordings: Sequence[Recording], *, damaged: Sequence[bool], heard: Sequence[str], seed: int, workers: int
) -> Iterator[Piece]:
    """Read, cut, damage and analyse every recording.

    Parameters
    ----------
    recordings : sequence of Recording
        The music.
    damaged : sequence of bool
        For each, whether its clip goes through every condition, or stays clean.
    heard : sequence of str
        Conditions under which simple methods get clips too.
    seed : int
        Of the places that clips are cut from; and, with the track's number, of all noise.
    workers : int
        Processes.

    Yields
    ------
    Piece
        In the order of the recordings.
    """
    places = np.random.default_rng(seed).uniform(size=len(recordings))
    jobs = [
        (number, recording, float(place), every, tuple(heard))
        for number, (recording, place, every) in enumerate(zip(recordings, places, damaged, strict=True))
    ]
    with process_pool(workers, initializer=_open_decoder) as pool:
        yield from pool.map(_piece, jobs)


_decoder: SandboxedDecoder | None = None


def _open_decoder() -> None:
    """Give a worker its decoder, which ends with it."""
    global _decoder  # noqa: PLW0603 (a worker's own)
    _decoder = SandboxedDecoder(DecodeLimits())


def _piece(job: tuple[int, Recording, float, bool, tuple[str, ...]]) -> Piece:
    number, recording, place, every, wanted = job
    if _decoder is None:
        raise RuntimeError("the worker has no decoder")
    y = read(recording)
    start_s = place * max(len(y) / _RATE - CLIP_S, 0.0)
    clips: dict[str, FeatureSet] = {}
    heard = {"whole": _heard(y)}
    for name, condition in CONDITIONS.items():
        if not every and name != "clean":
            continue
        clip = condition(y, start_s, number, _decoder)
        clips[name] = featurize(clip)
        if name in wanted:
            heard[name] = _heard(clip)
    return Piece(
        number=number, start_s=start_s, duration_s=len(y) / _RATE, whole=featurize(y), clips=clips, heard=heard
    )


def _heard(y: Signal) -> Heard:
    levels = levels_db(mel_power(magnitude(y)))
    return Heard(levels=levels.astype(np.float16), analysis=analyse(y))
