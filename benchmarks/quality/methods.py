"""Simple methods that rank whole tracks, for the answer to be compared with.

===============================  ====================================================================================
method                           distance
===============================  ====================================================================================
``random``                       chance
``mean_mfcc``                    cosine of mean MFCC
``mean_std_mfcc``                Euclidean, means and deviations of MFCC, standardised
``gaussian``                     symmetric Kullback-Leibler divergence of one Gaussian a track
``dtw_clip``                     subsequence DTW of a 6 s clip, raw MFCC
``dtw_global``                   DTW of whole tracks, raw MFCC at half the frame rate
``eight_features``               cosine of the standardised means and deviations of all eight features
``richer_scaled``                Euclidean, with contrast, deltas, loudness and flatness, by local scaling
``gaussian_richer_fluctuation``  the sum of these two and of a fluctuation pattern, each by local scaling
===============================  ====================================================================================

MFCC here is librosa's, as it comes, but at the frame rate. All distances are ``[queries, tracks]``.

References
----------
.. [1] M. Mandel and D. Ellis, "Song-level features and support vector machines for music classification", ISMIR 2005.
.. [2] E. Pampalk, *Computational Models of Music Similarity and their Application in Music Information Retrieval*,
   PhD thesis, Vienna, 2006.
.. [3] L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", NIPS 2004.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from dtaidistance import dtw_ndim
from numpy.typing import NDArray

from benchmarks.quality.frames import KINDS, align_all
from benchmarks.quality.pieces import Heard, Piece
from tunekin.features import FEATURES
from tunekin_featurizer.mfcc import local_peak_db, relative_db

__all__ = ["METHODS"]

Distances = NDArray[np.float64]
_TINY = 1e-9
_NEIGHBOURS = 10
_LOUDNESS_QUANTILES = (0.1, 0.5, 0.9)
_FLUCTUATION_COLUMNS = 256
_FLUCTUATION_BANDS = 12
_FASTEST_BIN = 60


def _raw(heard: Heard) -> NDArray[np.float32]:
    return KINDS["mfcc"](heard.levels.astype(np.float32))


def _euclidean(vectors: Distances) -> Distances:
    scaled = (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + _TINY)
    squares = (scaled**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares[:, None] + squares - 2 * scaled @ scaled.T, 0.0)))


def _cosine(vectors: Distances) -> Distances:
    directions = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + _TINY)
    return np.asarray(1 - directions @ directions.T)


def _locally_scaled(distances: Distances) -> Distances:
    others = distances + np.diag(np.full(len(distances), np.inf))
    scale = np.sort(others, axis=1)[:, :_NEIGHBOURS]
    scale = np.where(np.isfinite(scale), scale, np.nan)
    reach = np.nanmean(scale, axis=1) + _TINY
    return np.asarray(distances / np.sqrt(reach[:, None] * reach))


def _random(pieces: Sequence[Piece]) -> Distances:
    return np.random.default_rng(0).uniform(size=(len(pieces), len(pieces)))


def _mean_mfcc(pieces: Sequence[Piece]) -> Distances:
    return _cosine(np.array([_raw(piece.heard["whole"]).mean(axis=0, dtype=np.float64) for piece in pieces]))


def _mean_std_mfcc(pieces: Sequence[Piece]) -> Distances:
    frames = (_raw(piece.heard["whole"]).astype(np.float64) for piece in pieces)
    return _euclidean(np.array([np.concatenate((f.mean(axis=0), f.std(axis=0))) for f in frames]))


def _gaussian(pieces: Sequence[Piece]) -> Distances:
    """Symmetric Kullback-Leibler divergences, but for a constant that all pairs share."""
    frames = [_raw(piece.heard["whole"]).astype(np.float64) for piece in pieces]
    means = np.array([f.mean(axis=0) for f in frames])
    covariances = np.array([np.cov(f.T) + np.eye(f.shape[1]) for f in frames])
    inverses = np.linalg.inv(covariances)
    divergences = np.empty((len(pieces), len(pieces)))
    for i in range(len(pieces)):
        away = means - means[i]
        traces = np.einsum("ab,nba->n", covariances[i], inverses) + np.einsum("ab,nba->n", inverses[i], covariances)
        divergences[i] = traces + np.einsum("na,nab,nb->n", away, inverses + inverses[i], away)
    return np.asarray(np.sqrt(np.maximum(divergences - 2 * means.shape[1], 0.0)))


def _dtw_clip(pieces: Sequence[Piece]) -> Distances:
    tracks = [_raw(piece.heard["whole"]) for piece in pieces]
    return align_all([_raw(piece.heard["clean"]) for piece in pieces], tracks, scaled=False)


def _dtw_global(pieces: Sequence[Piece]) -> Distances:
    frames = [_raw(piece.heard["whole"]).astype(np.float64) for piece in pieces]
    halved = [f[: len(f) // 2 * 2].reshape(-1, 2, f.shape[1]).mean(axis=1) for f in frames]
    lengths = np.array([len(f) for f in halved], dtype=np.float64)
    return np.asarray(dtw_ndim.distance_matrix_fast(halved, parallel=False)) / np.sqrt(lengths[:, None] * lengths)


def _eight(heard: Heard) -> Distances:
    a = heard.analysis
    columns = np.vstack(
        (a.centroid_hz, a.rolloff_hz, a.zero_crossing_rate, a.harmonic_share, a.percussive_share, a.chroma)
    ).astype(np.float64)
    frames = _raw(heard).T.astype(np.float64)
    return np.concatenate(
        (columns.mean(axis=1), columns.std(axis=1), frames.mean(axis=1), frames.std(axis=1), [a.tempo_bpm])
    )


def _eight_features(pieces: Sequence[Piece]) -> Distances:
    vectors = np.array([_eight(piece.heard["whole"]) for piece in pieces])
    return _cosine((vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + _TINY))


def _relative(heard: Heard) -> NDArray[np.float32]:
    levels = heard.levels.astype(np.float32)
    return relative_db(levels, peak_db=local_peak_db(levels), floor_db=FEATURES.floor_db)


def _richer(heard: Heard) -> Distances:
    relative = _relative(heard)
    octaves = np.array_split(relative, 8)
    contrast = np.array([np.quantile(o, 0.9, axis=0) - np.quantile(o, 0.1, axis=0) for o in octaves])
    deltas = np.diff(_raw(heard), axis=0)
    power = (10.0 ** (heard.levels.astype(np.float64) / 10.0)).sum(axis=0)
    loudness = 10.0 * np.log10(power + _TINY)
    loudness = loudness - loudness.max()
    flatness = relative.std(axis=0)
    return np.concatenate(
        (
            _eight(heard),
            contrast.mean(axis=1),
            contrast.std(axis=1),
            deltas.std(axis=0),
            np.quantile(loudness, _LOUDNESS_QUANTILES),
            [flatness.mean(), flatness.std()],
        )
    )


def _fluctuation(heard: Heard) -> Distances:
    bands = np.array([band.mean(axis=0) for band in np.array_split(_relative(heard), _FLUCTUATION_BANDS)])
    width = min(_FLUCTUATION_COLUMNS, bands.shape[1])
    starts = range(0, bands.shape[1] - width + 1, width // 4 or 1)
    power = np.zeros((_FLUCTUATION_BANDS, _FASTEST_BIN))
    for start in starts:
        part = bands[:, start : start + width]
        part = (part - part.mean(axis=1, keepdims=True)) * np.hanning(width)
        power += np.abs(np.fft.rfft(part, n=_FLUCTUATION_COLUMNS, axis=1)[:, 1 : _FASTEST_BIN + 1]) ** 2
    pooled = np.array([p.mean(axis=1) for p in np.array_split(np.sqrt(power / len(starts)), 12, axis=1)])
    return np.log(pooled.ravel() + 0.1)


def _richer_scaled(pieces: Sequence[Piece]) -> Distances:
    return _locally_scaled(_euclidean(np.array([_richer(piece.heard["whole"]) for piece in pieces])))


def _gaussian_richer_fluctuation(pieces: Sequence[Piece]) -> Distances:
    fluctuation = _euclidean(np.array([_fluctuation(piece.heard["whole"]) for piece in pieces]))
    return _locally_scaled(_gaussian(pieces)) + _richer_scaled(pieces) + _locally_scaled(fluctuation)


METHODS: Mapping[str, Callable[[Sequence[Piece]], Distances]] = MappingProxyType(
    {
        "random": _random,
        "mean_mfcc": _mean_mfcc,
        "mean_std_mfcc": _mean_std_mfcc,
        "gaussian": _gaussian,
        "dtw_clip": _dtw_clip,
        "dtw_global": _dtw_global,
        "eight_features": _eight_features,
        "richer_scaled": _richer_scaled,
        "gaussian_richer_fluctuation": _gaussian_richer_fluctuation,
    }
)
