"""Feature versions: what a vector means, so that vectors of two versions never meet.

Conventions
-----------
Audio is mono float32 in [-1, 1] at ``sample_rate_hz``; ``n`` counts samples, ``t`` STFT columns, ``m`` frames.

A *frame* is the cepstrum of ``columns_per_frame`` averaged columns of the band that every microphone passes, freed of
what stays the same around it: what a clip is aligned with a track by. Frame ``i`` stands for the span
``[i, i + 1) * frame_s`` of the signal.

A *descriptor* is a longer vector of statistics of the whole signal, which views are made of.

A *summary* is the fixed-length vector of means and deviations of all eight features, then the descriptor: the
classifier's input.

A *view* is a short vector of the whole signal in one respect, such as its rhythm, in which Euclidean distances mean
something, with the distance within which the nearest twentieth of all music lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FEATURES",
    "FeatureVersion",
    "frames_from_bytes",
    "frames_to_bytes",
    "views_from_bytes",
    "views_to_bytes",
]


@dataclass(frozen=True, kw_only=True)
class FeatureVersion:
    """All that fixes the numbers of a feature vector.

    Attributes
    ----------
    name : str
        What messages, the catalogue and models call this version.
    sample_rate_hz : int
        Rate of the analysed signal.
    n_fft : int
        Length of the Hann window and of the transform, in samples.
    hop : int
        Distance of neighbouring STFT columns, in samples; columns are centred, the ends padded with zeros.
    n_mels : int
        Bands of the mel filter bank (Slaney's scale and normalisation), over 0 Hz to half the sample rate.
    n_mfcc : int
        Coefficients kept of the orthonormal DCT-II of the levels in dB.
    columns_per_frame : int
        MFCC columns averaged into one frame; a rest shorter than that is dropped, unless it is all there is.
    floor_db : float
        Levels lower than this below the local peak count as this far below it.
    peak_window_s : float
        Length of the window, centred on each column, whose loudest band is the local peak.
    mfcc_mean, mfcc_scale : tuple of float [n_mfcc]
        Constants that standardise averaged coefficients in a summary: ``(mfcc - mfcc_mean) / mfcc_scale``.
    band_hz : tuple of (float, float)
        Band that frames are made of.
    band_floor_db : float
        As `floor_db`, within the band.
    centre_window_s, spread_window_s : float
        Lengths of the windows around a frame whose mean is taken off, and whose deviation it is divided by.
    descriptor : tuple of (str, int)
        Name and length of each block of a descriptor, in order.
    views : tuple of (str, int)
        Name and length of each view, in order.
    """

    name: str
    sample_rate_hz: int
    n_fft: int
    hop: int
    n_mels: int
    n_mfcc: int
    columns_per_frame: int
    floor_db: float
    peak_window_s: float
    mfcc_mean: tuple[float, ...]
    mfcc_scale: tuple[float, ...]
    band_hz: tuple[float, float]
    band_floor_db: float
    centre_window_s: float
    spread_window_s: float
    descriptor: tuple[tuple[str, int], ...]
    views: tuple[tuple[str, int], ...]

    @property
    def frame_s(self) -> float:
        """Duration that one frame stands for, in seconds."""
        return self.columns_per_frame * self.hop / self.sample_rate_hz

    @property
    def summary_names(self) -> tuple[str, ...]:
        """Name of each number of a summary, in order."""
        scalars = ("centroid_hz", "rolloff_hz", "zero_crossing_rate", "harmonic_share", "percussive_share")
        chroma = tuple(f"chroma_{i}" for i in range(12))
        mfcc = tuple(f"mfcc_{i}" for i in range(self.n_mfcc))
        varying = (*scalars, *chroma, *mfcc)
        described = (f"{block}.{i}" for block, length in self.descriptor for i in range(length))
        return (*(f"{name}_mean" for name in varying), *(f"{name}_std" for name in varying), "tempo_bpm", *described)

    def tempo_bpm(self, summary: Sequence[float]) -> float | None:
        """Tempo that a summary tells.

        Parameters
        ----------
        summary : sequence of float
            A summary.

        Returns
        -------
        float or None
            Beats a minute; ``None`` where the summary is too short to be one.
        """
        place = self.summary_names.index("tempo_bpm")
        return float(summary[place]) if len(summary) > place else None

    @property
    def summary_size(self) -> int:
        """Count of numbers in a summary."""
        return len(self.summary_names)

    @property
    def views_size(self) -> int:
        """Count of numbers in all views: their vectors one after another, then the reach of each."""
        return sum(length for _, length in self.views) + len(self.views)


# Constants measured over the development music; see docs/adr on frames and on views for how.
FEATURES = FeatureVersion(
    name="f2",
    sample_rate_hz=22_050,
    n_fft=2_048,
    hop=512,
    n_mels=128,
    n_mfcc=20,
    columns_per_frame=4,
    floor_db=40.0,
    peak_window_s=6.0,
    mfcc_mean=(
        -394.6,
        52.05,
        20.34,
        12.81,
        8.261,
        4.375,
        2.061,
        1.49,
        0.3205,
        -0.0571,
        -0.6366,
        -0.4261,
        -0.4776,
        -0.7754,
        -0.9274,
        -0.8203,
        -0.9865,
        -0.9484,
        -1.209,
        -1.186,
    ),
    mfcc_scale=(
        31.2,
        21.57,
        15.08,
        12.22,
        10.18,
        9.211,
        8.497,
        7.92,
        7.605,
        7.176,
        6.836,
        6.449,
        6.319,
        6.188,
        5.973,
        5.728,
        5.636,
        5.697,
        5.929,
        6.044,
    ),
    band_hz=(300.0, 3_400.0),
    band_floor_db=22.0,
    centre_window_s=3.0,
    spread_window_s=6.0,
    descriptor=(
        ("mfcc_mean", 20),
        ("mfcc_deviation", 20),
        ("mfcc_motion", 20),
        ("mfcc_correlation", 78),
        ("band_mean", 14),
        ("band_deviation", 14),
        ("band_motion", 14),
        ("shape", 10),
        ("contrast", 16),
        ("flatness", 2),
        ("dynamics", 4),
        ("onsets", 5),
        ("repetition", 13),
        ("fluctuation", 132),
        ("band_fluctuation", 88),
        ("intervals", 12),
        ("tonality", 20),
    ),
    views=(("style", 40), ("feeling", 13), ("timbre", 24), ("rhythm", 24), ("harmony", 16)),
)


def frames_to_bytes(frames: NDArray[np.floating]) -> bytes:
    """Pack frames as the catalogue stores them: float16, little-endian, row by row.

    Parameters
    ----------
    frames : np.ndarray [shape=(m, n_mfcc)]
        Frames of one clip or track.

    Returns
    -------
    bytes
        ``2 * m * n_mfcc`` bytes.
    """
    return np.ascontiguousarray(frames, dtype="<f2").tobytes()


def frames_from_bytes(data: bytes, *, n_mfcc: int = FEATURES.n_mfcc) -> NDArray[np.float16]:
    """Unpack frames that `frames_to_bytes` packed.

    Parameters
    ----------
    data : bytes
        Packed frames.
    n_mfcc : int
        Coefficients a frame has.

    Returns
    -------
    np.ndarray [shape=(m, n_mfcc), dtype=float16]
        Read-only view of the frames.
    """
    return np.frombuffer(data, dtype="<f2").reshape(-1, n_mfcc)


def views_to_bytes(views: NDArray[np.floating]) -> bytes:
    """Pack views as the catalogue stores them: float16, little-endian.

    Parameters
    ----------
    views : np.ndarray [shape=(views_size,)]
        All views of one clip or track.

    Returns
    -------
    bytes
        ``2 * views_size`` bytes.
    """
    return np.ascontiguousarray(views, dtype="<f2").tobytes()


def views_from_bytes(data: bytes) -> NDArray[np.float16]:
    """Unpack views that `views_to_bytes` packed.

    Parameters
    ----------
    data : bytes
        Packed views; empty where there are none.

    Returns
    -------
    np.ndarray [shape=(views_size,), dtype=float16]
        Read-only.
    """
    return np.frombuffer(data, dtype="<f2")
