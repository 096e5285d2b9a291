"""Signals to featurize, made from numbers: music-like, noisy, silent, and the odd ones."""

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 22_050


def seconds(duration_s: float) -> NDArray[np.float64]:
    """Times of the samples."""
    return np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def music(*, duration_s: float, bpm: float = 125.0, a4_hz: float = 440.0, seed: int = 0) -> NDArray[np.float32]:
    """Chords of decaying harmonics, one a bar, with a struck noise on every beat."""
    rng = np.random.default_rng(seed)
    time_s = seconds(duration_s)
    beat_s = 60.0 / bpm
    since_bar_s, since_beat_s = time_s % (4 * beat_s), time_s % beat_s
    chords = np.array([[0, 4, 7], [9, 12, 16], [5, 9, 12], [7, 11, 14]])[(time_s // (4 * beat_s)).astype(int) % 4]
    y = np.zeros(len(time_s))
    for note in range(3):
        pitch_hz = a4_hz * 2.0 ** ((chords[:, note] - 9) / 12)
        phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
        y += sum(np.sin(k * phase) / k**1.5 for k in range(1, 8)) * np.exp(-since_bar_s)
    y += 2 * rng.standard_normal(len(y)) * np.exp(-since_beat_s / 0.03)
    return np.asarray(0.5 * y / np.abs(y).max(), dtype=np.float32)


def noise(*, duration_s: float, deviation: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    """White noise."""
    rng = np.random.default_rng(seed)
    return (deviation * rng.standard_normal(round(duration_s * SAMPLE_RATE_HZ))).astype(np.float32)


def clicks(*, duration_s: float, every_s: float) -> NDArray[np.float32]:
    """Single samples at full scale in silence."""
    y = np.zeros(round(duration_s * SAMPLE_RATE_HZ), dtype=np.float32)
    y[:: round(every_s * SAMPLE_RATE_HZ)] = 1
    return y


# Their lengths cross the blocks that the stages work in; the short ones are shorter than a window, and than a hop.
SOUNDS = {
    "music": music(duration_s=6),
    "long music": music(duration_s=25, bpm=97, a4_hz=446, seed=1),
    "noise": noise(duration_s=4),
    "clicks": clicks(duration_s=6, every_s=0.5),
    "silence": np.zeros(3 * SAMPLE_RATE_HZ, dtype=np.float32),
    "constant": np.full(2 * SAMPLE_RATE_HZ, 0.5, dtype=np.float32),
    "music after silence": np.concatenate((np.zeros(2 * SAMPLE_RATE_HZ, dtype=np.float32), music(duration_s=2))),
    "one sample": np.ones(1, dtype=np.float32),
    "shorter than a hop": noise(duration_s=0.01),
    "shorter than a window": music(duration_s=0.08),
    "one window": noise(duration_s=2_048 / SAMPLE_RATE_HZ),
}
