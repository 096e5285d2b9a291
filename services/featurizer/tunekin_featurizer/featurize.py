"""Turn a signal into the frames, the summary and the views that a feature version defines.

Everything comes from one magnitude spectrogram, of which only a part is there at a time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer import band, chroma, hpss, mfcc, spectral, stft, tempo
from tunekin_featurizer.descriptor import DESCRIBED_FLOOR_DB, Columns, describe
from tunekin_featurizer.stft import Signal
from tunekin_featurizer.views import shipped

__all__ = [
    "Analysis",
    "FeatureSet",
    "analyse",
    "average_columns",
    "columns_of",
    "featurize",
    "standardise",
    "summarise",
]

# Columns whose magnitudes wait for the tuning, 190 s in 34 MB; of longer music the rest is transformed twice.
_KEPT_COLUMNS = 8_192

_BY_COLUMN = ("centroid_hz", "rolloff_hz", "harmonic_share", "percussive_share")


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """Each feature of a signal, column by column.

    Attributes
    ----------
    centroid_hz, rolloff_hz : np.ndarray [shape=(t,), dtype=float32]
        Spectral centroid and rolloff, in Hz.
    zero_crossing_rate : np.ndarray [shape=(t,), dtype=float32]
        Crossings a sample.
    harmonic_share, percussive_share : np.ndarray [shape=(t,), dtype=float32]
        Shares of the column's energy, 0 to 1.
    chroma : np.ndarray [shape=(12, t), dtype=float32]
        Pitch classes from C upwards, 0 to 1.
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels of the mel bands in dB, relative to anything.
    relative : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels relative to the local peak.
    peak_db : np.ndarray [shape=(t,), dtype=float32]
        The local peak.
    mfcc : np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Cepstral coefficients of levels relative to the local peak.
    tempo_bpm : float
        Beats a minute.
    """

    centroid_hz: NDArray[np.float32]
    rolloff_hz: NDArray[np.float32]
    zero_crossing_rate: NDArray[np.float32]
    harmonic_share: NDArray[np.float32]
    percussive_share: NDArray[np.float32]
    chroma: NDArray[np.float32]
    levels: NDArray[np.float32]
    relative: NDArray[np.float32]
    peak_db: NDArray[np.float32]
    mfcc: NDArray[np.float32]
    tempo_bpm: float


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSet:
    """What a clip or track is compared and classified by.

    Attributes
    ----------
    frames : np.ndarray [shape=(m, n_mfcc), dtype=float16]
        Frames, as the catalogue stores them.
    summary : np.ndarray [shape=(summary_size,), dtype=float32]
        Numbers named by ``FeatureVersion.summary_names``, all finite.
    views : np.ndarray [shape=(views_size,), dtype=float16]
        Views, then the reach of each, as the catalogue stores them.
    """

    frames: NDArray[np.float16]
    summary: NDArray[np.float32]
    views: NDArray[np.float16]


def featurize(y: Signal, *, version: FeatureVersion = FEATURES) -> FeatureSet:
    """Compute the features of a signal.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32 or int16]
        Mono signal at ``version.sample_rate_hz``, at least one sample; float32 in [-1, 1]. A gain changes no feature.
    version : FeatureVersion
        Fixes every number.

    Returns
    -------
    FeatureSet
        Frames, summary and views; finite for every signal, silence included.

    Raises
    ------
    ValueError
        If `y` is neither an int16 vector nor a float32 vector of finite samples, or empty.

    Examples
    --------
    >>> t = np.arange(22_050, dtype=np.float32) / 22_050
    >>> features = featurize(np.sin(2 * np.pi * 440 * t))
    >>> features.frames.shape, features.summary.shape, features.views.shape
    ((11, 20), (557,), (122,))
    """
    analysis = analyse(y, version=version)
    averages = average_columns(analysis.mfcc, columns_per_frame=version.columns_per_frame)
    descriptor = describe(columns_of(analysis, version=version), version=version)
    return FeatureSet(
        frames=band.band_frames(analysis.levels, version=version),
        summary=summarise(analysis, standardise(averages, version=version), descriptor),
        views=shipped().of(descriptor),
    )


def columns_of(analysis: Analysis, *, version: FeatureVersion = FEATURES) -> Columns:
    """Put together what a descriptor is computed from.

    Parameters
    ----------
    analysis : Analysis
        Features by column.
    version : FeatureVersion
        Fixes every number.

    Returns
    -------
    Columns
        The same, with the levels within the band.
    """
    return Columns(
        levels=analysis.levels,
        relative=analysis.relative,
        peak_db=analysis.peak_db,
        band=band.band_levels(analysis.levels, floor_db=DESCRIBED_FLOOR_DB, version=version),
        mfcc=analysis.mfcc,
        scalars=np.stack(
            (
                analysis.centroid_hz,
                analysis.rolloff_hz,
                analysis.zero_crossing_rate,
                analysis.harmonic_share,
                analysis.percussive_share,
            )
        ),
        chroma=analysis.chroma,
    )


def analyse(y: Signal, *, version: FeatureVersion = FEATURES) -> Analysis:
    """Compute each feature of a signal, column by column.

    1. Take the spectrogram block by block, for all that a column and its neighbours say. Only the beginning is kept.
    2. Now that all peaks have said how the music is tuned, fold what was kept, and the rest once more, to chroma.
    3. Compute what takes whole rows.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32 or int16]
        Mono signal at ``version.sample_rate_hz``, at least one sample; float32 in [-1, 1].
    version : FeatureVersion
        Fixes every number.

    Returns
    -------
    Analysis
        All features, of ``1 + n // hop`` columns.

    Raises
    ------
    ValueError
        If `y` is neither an int16 vector nor a float32 vector of finite samples, or empty.
    """
    _validate(y)
    t = stft.column_count(len(y), version=version)
    by_column = {name: np.empty(t, dtype=np.float32) for name in _BY_COLUMN}
    levels = np.empty((t, version.n_mels), dtype=np.float32).T
    # Step 1
    head = np.empty((min(t, _KEPT_COLUMNS), 1 + version.n_fft // 2), dtype=np.float32)
    kept = 0
    peaks: list[chroma.Peaks] = []
    for block in stft.blocks(y, columns=hpss.BLOCK, reach=hpss.KERNEL // 2, head=head, version=version):
        magnitudes, columns = block.magnitudes, block.columns
        levels[:, columns] = mfcc.levels_db(mfcc.mel_power(magnitudes, version=version))
        by_column["centroid_hz"][columns] = spectral.centroid(magnitudes, version=version)
        by_column["rolloff_hz"][columns] = spectral.rolloff(magnitudes, version=version)
        shares = hpss.harmonic_percussive_shares(block)
        by_column["harmonic_share"][columns], by_column["percussive_share"][columns] = shares
        peaks.append(chroma.peaks(magnitudes, version=version))
        if np.may_share_memory(block.around, head):
            kept = columns.stop
    # Step 2
    tuning = chroma.tuning_of(peaks)
    pitch_classes = np.empty((t, chroma.PITCH_CLASSES), dtype=np.float32).T
    pitch_classes[:, :kept] = chroma.chroma(head[:kept].T, tuning_semitones=tuning, version=version)
    del head, peaks
    for block in stft.blocks(y, columns=hpss.BLOCK, start=kept, version=version):
        pitch_classes[:, block.columns] = chroma.chroma(block.magnitudes, tuning_semitones=tuning, version=version)
    # Step 3
    peak_db = mfcc.local_peak_db(levels, version=version)
    relative = mfcc.relative_db(levels, peak_db=peak_db, floor_db=version.floor_db)
    return Analysis(
        **by_column,
        zero_crossing_rate=spectral.zero_crossing_rate(y, version=version),
        chroma=pitch_classes,
        levels=levels,
        relative=relative,
        peak_db=peak_db,
        mfcc=mfcc.cepstrum(relative, version=version),
        tempo_bpm=tempo.tempo_bpm(tempo.onset_strengths(levels, peak_db=peak_db), version=version),
    )


def average_columns(mfcc: NDArray[np.float32], *, columns_per_frame: int) -> NDArray[np.float32]:
    """Average blocks of successive columns.

    Parameters
    ----------
    mfcc : np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Coefficients, column by column.
    columns_per_frame : int > 0
        Columns of a block. A shorter rest is dropped, unless it is all there is.

    Returns
    -------
    np.ndarray [shape=(m, n_mfcc), dtype=float32]
        Means of ``m = max(1, t // columns_per_frame)`` blocks.

    Examples
    --------
    >>> average_columns(np.array([[1, 3, 5, 7, 100]], dtype=np.float32), columns_per_frame=2).ravel()
    array([2., 6.], dtype=float32)
    """
    n_mfcc, t = mfcc.shape
    width = min(t, columns_per_frame)
    m = t // width
    return np.asarray(mfcc[:, : m * width].reshape(n_mfcc, m, width).mean(axis=2).T)


def standardise(averages: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float16]:
    """Standardise averaged coefficients: each with mean 0 and deviation 1 over the music at large.

    Parameters
    ----------
    averages : np.ndarray [shape=(m, n_mfcc), dtype=float32]
        Averaged coefficients.
    version : FeatureVersion
        Supplies ``mfcc_mean`` and ``mfcc_scale``.

    Returns
    -------
    np.ndarray [shape=(m, n_mfcc), dtype=float16, order="C"]
        Standardised coefficients.
    """
    mean, scale = (np.array(constants, dtype=np.float32) for constants in (version.mfcc_mean, version.mfcc_scale))
    return np.ascontiguousarray((averages - mean) / scale, dtype=np.float16)


def summarise(analysis: Analysis, frames: NDArray[np.float16], descriptor: NDArray[np.float64]) -> NDArray[np.float32]:
    """Means and deviations of all features, then the descriptor, in the order of ``FeatureVersion.summary_names``.

    Parameters
    ----------
    analysis : Analysis
        Features by column.
    frames : np.ndarray [shape=(m, n_mfcc), dtype=float16]
        Standardised coefficients of the same signal.
    descriptor : np.ndarray [shape=(described,), dtype=float64]
        Its descriptor.

    Returns
    -------
    np.ndarray [shape=(summary_size,), dtype=float32]
        Summary.
    """
    by_column = np.vstack(
        (
            analysis.centroid_hz,
            analysis.rolloff_hz,
            analysis.zero_crossing_rate,
            analysis.harmonic_share,
            analysis.percussive_share,
            analysis.chroma,
        ),
        dtype=np.float64,
    )
    by_frame = frames.T.astype(np.float64)
    means = (varying.mean(axis=1) for varying in (by_column, by_frame))
    deviations = (varying.std(axis=1) for varying in (by_column, by_frame))
    parts = (*means, *deviations, [analysis.tempo_bpm], descriptor)
    return np.concatenate(parts, dtype=np.float32, casting="same_kind")


def _validate(y: Signal) -> None:
    """Refuse what no decoder of this project makes."""
    if y.ndim != 1 or y.dtype not in (np.float32, np.int16):
        raise ValueError(f"y is {y.dtype} of shape {y.shape}, but must be mono, float32 or int16 of shape (n,)")
    if not y.size:
        raise ValueError("y is empty, but must have at least one sample")
    if y.dtype == np.float32 and not np.isfinite(y).all():
        raise ValueError("y has samples that are not finite, but must lie in [-1, 1]")
