"""Describe a whole clip or track by numbers: what the views of it are made of.

Numbers come in blocks, each of one *aspect* of the sound: ``timbre``, ``rhythm`` or ``harmony``. None depends on the
recording's gain, and those of harmony on no key.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["BLOCKS", "DESCRIBED_FLOOR_DB", "SIZE", "Columns", "aspect_of_each", "describe"]

# Of the levels within the band: quieter bands of a clean recording still say something of its timbre.
DESCRIBED_FLOOR_DB = 30.0
# Shorter sounds are repeated up to it: 0.7 s, so that every statistic has something to say.
_LEAST_COLUMNS = 32
# Deviations and rates are compared by their logarithms; these keep what hardly varies finite.
_DEVIATION_DB, _RISE_DB, _FLUCTUATION_DB, _TINY = 0.3, 0.01, 0.1, 1e-6

_CORRELATED = 13
_BAND_CEPSTRA = 14
_OCTAVES = 8
_DEEPEST_RISE_DB = 60.0

# Fluctuations: 6 s of columns at a time, a quarter of that on each time, up to 10 Hz, in 12 steps of equal ratio.
_FLUCTUATION_COLUMNS, _FLUCTUATION_HOP = 256, 64
_FLUCTUATION_BINS = slice(2, 62)
_FLUCTUATION_STEPS = np.unique(np.round(np.geomspace(1, 60, 13)).astype(int))
_WIDE_BANDS, _NARROW_BANDS = 12, 8

# Repetitions of onsets after 0.2 to 4 s.
_LAGS = np.round(np.geomspace(8, 170, 14)).astype(int)
_LAG_COLUMNS = 180

# Columns computed at a time.
_BLOCK = 2_048


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """What a descriptor is computed from, column by column.

    Attributes
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB, relative to anything.
    relative : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels relative to the local peak, with a floor.
    peak_db : np.ndarray [shape=(t,), dtype=float32]
        The local peak.
    band : np.ndarray [shape=(bands, t), dtype=float32]
        Levels within the telephone's band, relative to the local peak of it, with a floor.
    mfcc : np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Coefficients of the relative levels.
    scalars : np.ndarray [shape=(5, t), dtype=float32]
        Centroid and rolloff in Hz, crossings a sample, harmonic and percussive shares.
    chroma : np.ndarray [shape=(12, t), dtype=float32]
        Pitch classes, 0 to 1.
    """

    levels: NDArray[np.float32]
    relative: NDArray[np.float32]
    peak_db: NDArray[np.float32]
    band: NDArray[np.float32]
    mfcc: NDArray[np.float32]
    scalars: NDArray[np.float32]
    chroma: NDArray[np.float32]

    def at_least(self, columns: int) -> "Columns":
        """Repeat what is shorter than some columns.

        Parameters
        ----------
        columns : int
            Columns wanted.

        Returns
        -------
        Columns
            Itself where it is long enough.
        """
        t = self.levels.shape[1]
        if t >= columns:
            return self
        again = np.arange(columns) % t
        return Columns(
            levels=self.levels[:, again],
            relative=self.relative[:, again],
            peak_db=self.peak_db[again],
            band=self.band[:, again],
            mfcc=self.mfcc[:, again],
            scalars=self.scalars[:, again],
            chroma=self.chroma[:, again],
        )


# Name, aspect and size of each block, in order.
BLOCKS: tuple[tuple[str, str, int], ...] = (
    ("mfcc_mean", "timbre", 20),
    ("mfcc_deviation", "timbre", 20),
    ("mfcc_motion", "timbre", 20),
    ("mfcc_correlation", "timbre", _CORRELATED * (_CORRELATED - 1) // 2),
    ("band_mean", "timbre", _BAND_CEPSTRA),
    ("band_deviation", "timbre", _BAND_CEPSTRA),
    ("band_motion", "timbre", _BAND_CEPSTRA),
    ("shape", "timbre", 10),
    ("contrast", "timbre", 2 * _OCTAVES),
    ("flatness", "timbre", 2),
    ("dynamics", "rhythm", 4),
    ("onsets", "rhythm", 5),
    ("repetition", "rhythm", len(_LAGS) - 1),
    ("fluctuation", "rhythm", _WIDE_BANDS * (len(_FLUCTUATION_STEPS) - 1)),
    ("band_fluctuation", "rhythm", _NARROW_BANDS * (len(_FLUCTUATION_STEPS) - 1)),
    ("intervals", "harmony", 12),
    ("tonality", "harmony", 20),
)
SIZE = sum(size for _, _, size in BLOCKS)


def aspect_of_each() -> NDArray[np.str_]:
    """Aspect of each number of a descriptor.

    Returns
    -------
    np.ndarray [shape=(SIZE,)]
        ``timbre``, ``rhythm`` or ``harmony``.
    """
    return np.repeat([aspect for _, aspect, _ in BLOCKS], [size for _, _, size in BLOCKS])


def describe(columns: Columns, *, version: FeatureVersion = FEATURES) -> NDArray[np.float64]:
    """Describe a sound.

    Parameters
    ----------
    columns : Columns
        The sound, of any length.
    version : FeatureVersion
        Supplies ``columns_per_frame``.

    Returns
    -------
    np.ndarray [shape=(SIZE,), dtype=float64]
        Numbers in the order of `BLOCKS`, all finite.

    References
    ----------
    .. [1] E. Pampalk, *Computational Models of Music Similarity and their Application in Music Information Retrieval*,
       PhD thesis, Vienna, 2006: fluctuation patterns.
    """
    columns = columns.at_least(_LEAST_COLUMNS)
    return np.concatenate(
        (*_timbre(columns, width=version.columns_per_frame), *_rhythm(columns), *_harmony(columns, version=version)),
        dtype=np.float64,
    )


def _averaged(rows: NDArray[np.float32], *, width: int) -> NDArray[np.float32]:
    count = rows.shape[1] // width
    return np.asarray(rows[:, : count * width].reshape(len(rows), count, width).mean(axis=2))


def _block_by_block(t: int, compute: Callable[[slice], NDArray[np.floating]]) -> NDArray[np.floating]:
    """Compute some numbers of each column, of so many at a time that memory stays flat."""
    blocks = (slice(start, min(t, start + _BLOCK)) for start in range(0, t, _BLOCK))
    return np.concatenate([compute(block) for block in blocks], axis=-1)


def _timbre(columns: Columns, *, width: int) -> tuple[NDArray[np.floating], ...]:
    frames = _averaged(columns.mfcc, width=width)
    band = scipy.fft.dct(_averaged(columns.band, width=width), axis=0, norm="ortho")[:_BAND_CEPSTRA]
    covariance = np.cov(frames[:_CORRELATED])
    spread = np.sqrt(np.diag(covariance)) + 0.5
    scalars = columns.scalars
    means, deviations = scalars.mean(axis=1), scalars.std(axis=1)
    t = columns.relative.shape[1]
    contrast = _block_by_block(t, lambda block: _contrast(columns.relative[:, block]))
    flatness = _block_by_block(t, lambda block: columns.relative[:, block].std(axis=0))
    return (
        frames.mean(axis=1),
        np.log(frames.std(axis=1) + _DEVIATION_DB),
        np.log(np.diff(frames, axis=1).std(axis=1) + _DEVIATION_DB),
        (covariance / spread / spread[:, None])[np.triu_indices(_CORRELATED, 1)],
        band.mean(axis=1),
        np.log(band.std(axis=1) + _DEVIATION_DB),
        np.log(np.diff(band, axis=1).std(axis=1) + _DEVIATION_DB),
        np.log(means[:2] + 1),
        np.log(means[2:3] + 1e-3),
        means[3:],
        np.log(deviations[:2] + 1),
        np.log(deviations[2:3] + 1e-3),
        deviations[3:],
        contrast.mean(axis=1),
        contrast.std(axis=1),
        np.array([flatness.mean(), flatness.std()]),
    )


def _contrast(relative: NDArray[np.float32]) -> NDArray[np.floating]:
    """How far the upper levels of each octave are above its lower ones, in each column."""
    octaves = np.sort(relative.reshape(_OCTAVES, -1, relative.shape[1]), axis=1)
    step = octaves.shape[1] // 8
    return np.asarray(octaves[:, -2 * step : -step].mean(axis=1) - octaves[:, step : 2 * step].mean(axis=1))


def _rhythm(columns: Columns) -> tuple[NDArray[np.floating], ...]:
    t = columns.levels.shape[1]
    loudest_db = columns.peak_db.max()
    # Powers relative to the peak: no gain reaches the sum.
    power = _block_by_block(
        t, lambda block: np.exp((columns.levels[:, block] - loudest_db) * (np.log(10) / 10)).sum(axis=0)
    )
    loudness = 10 * np.log10(power + _TINY)
    loudness = loudness - np.quantile(loudness, 0.95)
    onsets, low, high = _block_by_block(t - 1, lambda block: _rises(columns, block))
    of_onsets = [onsets.mean(), onsets.std(), np.quantile(onsets, 0.95), low.mean(), high.mean()]
    return (
        np.array([loudness.mean(), loudness.std(), np.quantile(loudness, 0.1), np.abs(np.diff(loudness)).mean()]),
        np.log(np.array(of_onsets) + _RISE_DB),
        _repetition(onsets),
        _fluctuation(columns.relative, bands=_WIDE_BANDS),
        _fluctuation(columns.band, bands=_NARROW_BANDS),
    )


def _rises(columns: Columns, block: slice) -> NDArray[np.floating]:
    """Mean rise of all, of the low and of the high bands, from each column to the next."""
    block = slice(block.start, block.stop + 1)
    heard = np.maximum(columns.levels[:, block], columns.peak_db[block] - np.float32(_DEEPEST_RISE_DB))
    rises = np.maximum(np.diff(heard, axis=1), 0)
    return np.stack([rises.mean(axis=0), rises[:20].mean(axis=0), rises[80:].mean(axis=0)])


def _repetition(onsets: NDArray[np.floating]) -> NDArray[np.float64]:
    """Greatest autocorrelation of the onsets in each range of lags."""
    size = 2 * max(len(onsets), _LAG_COLUMNS)
    away = (onsets - onsets.mean()) * np.hanning(len(onsets))
    correlation = scipy.fft.irfft(np.abs(scipy.fft.rfft(away, n=size)) ** 2, n=size)[:_LAG_COLUMNS]
    correlation = correlation / (correlation[0] + _TINY)
    return np.maximum.reduceat(correlation[: _LAGS[-1]], _LAGS[:-1])


def _fluctuation(levels: NDArray[np.float32], *, bands: int) -> NDArray[np.floating]:
    """How much the level of each band goes up and down at each rate."""
    edges = np.linspace(0, len(levels), bands + 1).astype(int)
    rows = np.add.reduceat(levels, edges[:-1], axis=0) / np.diff(edges)[:, None]
    if rows.shape[1] < _FLUCTUATION_COLUMNS:
        rows = rows[:, np.arange(_FLUCTUATION_COLUMNS) % rows.shape[1]]
    starts = np.arange(0, rows.shape[1] - _FLUCTUATION_COLUMNS + 1, _FLUCTUATION_HOP)
    power = np.zeros((bands, _FLUCTUATION_COLUMNS // 2 + 1))
    for start in starts:
        part = rows[:, start : start + _FLUCTUATION_COLUMNS]
        part = (part - part.mean(axis=1, keepdims=True)) * np.hanning(_FLUCTUATION_COLUMNS)
        power += np.abs(scipy.fft.rfft(part, axis=1)) ** 2
    power /= len(starts)
    rates = np.sqrt(power)[:, _FLUCTUATION_BINS]
    steps = _FLUCTUATION_STEPS - 1
    pooled = np.add.reduceat(rates[:, : steps[-1]], steps[:-1], axis=1) / np.diff(steps)
    return np.log(pooled + _FLUCTUATION_DB).ravel()


def _harmony(columns: Columns, *, version: FeatureVersion) -> tuple[NDArray[np.floating], ...]:
    chroma = columns.chroma.astype(np.float64)
    mean = chroma.mean(axis=1)
    spectrum = np.abs(np.fft.rfft(mean))
    energy = (chroma**2).sum(axis=0) + _TINY
    # How strongly each interval sounds, in each column: alike in every key.
    intervals = np.array([(chroma * np.roll(chroma, step, axis=0)).sum(axis=0) / energy for step in range(1, 7)])
    motion = np.abs(np.diff(_averaged(columns.chroma, width=version.columns_per_frame), axis=1)).mean()
    return (
        intervals.mean(axis=1),
        intervals.std(axis=1),
        spectrum / (spectrum[0] + _TINY),
        spectrum[:1],
        np.array([motion]),
        np.sort(mean / (mean.max() + _TINY))[-2::-1],
    )
