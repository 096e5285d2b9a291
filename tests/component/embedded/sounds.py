"""Sound files that tests write."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES


def write_wav(samples: NDArray[np.floating], path: Path, *, rate: int = FEATURES.sample_rate_hz) -> Path:
    """Write a mono signal in [-1, 1] as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return path
