"""Kinds of frames to find a song by, each compared by plain subsequence DTW.

=================  ==================================================================================================
kind               frames
=================  ==================================================================================================
``mfcc``           librosa's MFCC as it comes: levels of the whole signal, 80 dB deep
``mfcc_scaled``    the same, standardised by the catalogue, as are all that follow
``floor40``        40 dB below the loudest moment of the signal
``local40``        40 dB below the loudest moment within 6 s
``local50``        50 dB below it
``band30``         300 to 3,400 Hz, 30 dB below the loudest moment within 6 s
``band30_mean``    the same without each sequence's mean and without the first coefficient
``wide40_cmvn``    60 to 6,000 Hz, 40 dB; mean and variance normalised for each sequence
``band30_cmvn``    200 to 3,400 Hz, 30 dB; the same normalisation
``pcen``           per-channel energy normalisation, 200 to 3,400 Hz; the same normalisation
=================  ==================================================================================================

Bands are those of the 128 mel bands that lie within the limits.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import librosa
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_featurizer.mfcc import local_peak_db, relative_db
from tunekin_ranker.dtw import Clip, alignment_floors
from tunekin_ranker.packed import pack

__all__ = ["KINDS", "align_all", "mean_of_blocks"]

Frames = NDArray[np.float32]
_N = 20
_BLOCK = FEATURES.columns_per_frame
_RANGE_DB = 80.0
# Full scale of the int16 samples that PCEN's constants were chosen for.
_PCEN_SCALE = 2.0**31


def mean_of_blocks(columns: NDArray[np.float32]) -> Frames:
    """Average blocks of four columns into frames.

    Parameters
    ----------
    columns : np.ndarray [shape=(d, t), dtype=float32]
        Columns.

    Returns
    -------
    np.ndarray [shape=(t // 4, d), dtype=float32]
        Frames.
    """
    count = columns.shape[1] // _BLOCK
    return np.asarray(columns[:, : count * _BLOCK].reshape(len(columns), count, _BLOCK).mean(axis=2).T)


def align_all(clips: Sequence[Frames], tracks: Sequence[Frames], *, scaled: bool = True) -> NDArray[np.float64]:
    """Subsequence DTW distance of every clip in every track.

    Parameters
    ----------
    clips, tracks : sequence of np.ndarray [shape=(m, d)]
        Frames.
    scaled : bool
        Standardise each coefficient over all frames of the tracks.

    Returns
    -------
    np.ndarray [shape=(clips, tracks), dtype=float64]
        Distances, to the rounding of float32.
    """
    every = np.concatenate(tracks)
    mean, scale = (every.mean(axis=0), every.std(axis=0) + 1e-6) if scaled else (0.0, 1.0)
    packed = pack((((frames - mean) / scale).astype(np.float16) for frames in tracks), coefficients=every.shape[1])
    rows = np.arange(len(tracks))
    return np.array(
        [alignment_floors(Clip(((frames - mean) / scale).astype(np.float16)), packed, rows) for frames in clips]
    )


def _cepstra(levels: Frames, *, first: int = 0) -> Frames:
    return mean_of_blocks(np.asarray(scipy.fft.dct(levels, axis=0, norm="ortho")[first : _N + first], np.float32))


def _band(low_hz: float, high_hz: float) -> NDArray[np.bool_]:
    centres = librosa.mel_frequencies(FEATURES.n_mels + 2, fmin=0.0, fmax=FEATURES.sample_rate_hz / 2)[1:-1]
    return np.asarray((centres >= low_hz) & (centres <= high_hz))


def _normalised(frames: Frames, *, by: Literal["mean", "deviation"]) -> Frames:
    centred = frames - frames.mean(axis=0)
    return np.asarray(centred if by == "mean" else centred / (centred.std(axis=0) + np.float32(1e-3)))


def _deep(levels: Frames, depth_db: float) -> Frames:
    return _cepstra(np.maximum(levels, levels.max() - np.float32(depth_db)))


def _local(levels: Frames, depth_db: float, *, first: int = 0) -> Frames:
    return _cepstra(relative_db(levels, peak_db=local_peak_db(levels), floor_db=depth_db), first=first)


def _pcen(levels: Frames) -> Frames:
    power = 10.0 ** (levels / 10.0) * _PCEN_SCALE
    energies = librosa.pcen(power, sr=FEATURES.sample_rate_hz, hop_length=FEATURES.hop)
    return _normalised(_cepstra(np.log(energies + 1e-3).astype(np.float32)), by="deviation")


_PHONE, _NARROW, _WIDE = _band(300.0, 3_400.0), _band(200.0, 3_400.0), _band(60.0, 6_000.0)

KINDS: Mapping[str, Callable[[Frames], Frames]] = MappingProxyType(
    {
        "mfcc": lambda levels: _deep(levels, _RANGE_DB),
        "mfcc_scaled": lambda levels: _deep(levels, _RANGE_DB),
        "floor40": lambda levels: _deep(levels, 40.0),
        "local40": lambda levels: _local(levels, 40.0),
        "local50": lambda levels: _local(levels, 50.0),
        "band30": lambda levels: _local(levels[_PHONE], 30.0),
        "band30_mean": lambda levels: _normalised(_local(levels[_PHONE], 30.0, first=1), by="mean"),
        "wide40_cmvn": lambda levels: _normalised(_local(levels[_WIDE], 40.0), by="deviation"),
        "band30_cmvn": lambda levels: _normalised(_local(levels[_NARROW], 30.0), by="deviation"),
        "pcen": lambda levels: _pcen(levels[_NARROW]),
    }
)
