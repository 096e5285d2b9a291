"""Time the featurizer against the librosa calls that it replaces, on one thread.

``python -m benchmarks.featurizer [FILES...]`` takes sound files, or none for a synthesised signal. *Naive* is every
librosa call on the signal, one after another, each making its own spectrogram: centroid, rolloff, zero-crossing rate,
chroma, beat tracking, HPSS of an STFT (without the transforms back) and 20 MFCC. Both sides run in this process, on
the same samples, by turns, so that a busy machine slows both; each side's figure is the best of its rounds.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import librosa
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import report
from tunekin.features import FEATURES
from tunekin_featurizer.featurize import featurize

__all__ = ["main", "measure"]

SAMPLE_RATE_HZ = FEATURES.sample_rate_hz
_CLIP_S, _TRACK_S = 6.0, 30.0

# The naive side takes seconds a round, and the best of three settles its figure within a few per cent.
_ROUNDS = 3

# Our side takes milliseconds, so one interruption would count for much: more of its rounds a turn.
_OURS_A_ROUND = 5

_COLD_START = """
from time import perf_counter
started = perf_counter()
import numpy as np
from tunekin_featurizer.featurize import featurize
featurize(np.random.default_rng(0).normal(0, 0.1, 132_300).astype(np.float32))
print(perf_counter() - started)
"""


def measure(signals: Sequence[NDArray[np.float32]]) -> dict[str, float | None]:
    """Measure all figures on some signals.

    Parameters
    ----------
    signals : sequence of np.ndarray [shape=(n,), dtype=float32]
        Mono signals at 22,050 Hz; shorter ones are repeated up to 30 s.

    Returns
    -------
    dict of str to float
        ``ratio_naive_6s`` and ``ratio_naive_30s`` (naive time ÷ ours), ``realtime_one_core`` (seconds of a 30 s track
        done in a second) and ``cold_start_s`` (imports and first call in a new process, compiled code in its cache).
    """
    figures: dict[str, float | None] = {}
    with threadpool_limits(limits=1):
        naive_s = ours_s = np.inf
        for name, duration_s in (("6s", _CLIP_S), ("30s", _TRACK_S)):
            cuts = [np.resize(y, round(duration_s * SAMPLE_RATE_HZ)) for y in signals]
            naive_s, ours_s = _by_turns(cuts)
            figures[f"ratio_naive_{name}"] = naive_s / ours_s
        figures["realtime_one_core"] = _TRACK_S * len(signals) / ours_s
    figures["cold_start_s"] = _cold_start_s()
    return figures


def main(arguments: Sequence[str]) -> None:
    """Measure, print the table and write ``featurizer.json``.

    Parameters
    ----------
    arguments : sequence of str
        Sound files; none for a synthesised signal.
    """
    loaded = [librosa.load(path, sr=SAMPLE_RATE_HZ, mono=True, duration=_TRACK_S)[0] for path in arguments]
    figures = measure(loaded or [_synthesised()])
    report.show("featurizer", figures)
    print(report.write("featurizer", figures))


def _naive(y: NDArray[np.float32]) -> None:
    """Everything that the featurizer computes, as one writes it first."""
    librosa.feature.spectral_centroid(y=y, sr=SAMPLE_RATE_HZ)
    librosa.feature.spectral_rolloff(y=y, sr=SAMPLE_RATE_HZ)
    librosa.feature.zero_crossing_rate(y)
    librosa.feature.chroma_stft(y=y, sr=SAMPLE_RATE_HZ)
    librosa.beat.beat_track(y=y, sr=SAMPLE_RATE_HZ)
    librosa.decompose.hpss(librosa.stft(y))
    librosa.feature.mfcc(y=y, sr=SAMPLE_RATE_HZ, n_mfcc=20)


def _by_turns(cuts: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """Best times of both sides for all cuts, in seconds."""
    # Imports and compilation are the cold start's.
    _naive(cuts[0])
    featurize(cuts[0])
    naive_s, ours_s = np.inf, np.inf
    for _ in range(_ROUNDS):
        naive_s = min(naive_s, _seconds(_naive, cuts))
        ours_s = min(ours_s, *(_seconds(featurize, cuts) for _ in range(_OURS_A_ROUND)))
    return naive_s, ours_s


def _seconds(function: Callable[[NDArray[np.float32]], object], cuts: Sequence[NDArray[np.float32]]) -> float:
    """Time that `function` takes for all cuts."""
    started = perf_counter()
    for cut in cuts:
        function(cut)
    return perf_counter() - started


def _cold_start_s() -> float:
    """Time from the first line of a new process to the end of its first call."""
    # The first of two fills the cache of compiled code, which an installation does once.
    command = [sys.executable, "-c", _COLD_START]
    return min(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(3))


def _synthesised() -> NDArray[np.float32]:
    """Thirty seconds with something for every stage: chords that change, beats, and noise below them."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(_TRACK_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    roots_hz = 220 * 2 ** (np.array([0, 5, 7, 3])[(time_s // 2).astype(int) % 4] / 12)
    y = 0.01 * rng.standard_normal(len(time_s))
    for interval in (1, 1.26, 1.5):
        phase = 2 * np.pi * np.cumsum(interval * roots_hz) / SAMPLE_RATE_HZ
        for harmonic in range(1, 8):
            y += 0.1 * np.sin(harmonic * phase) / harmonic
    y += 0.3 * rng.standard_normal(len(time_s)) * np.exp(-(time_s % 0.5) / 0.03)
    return np.asarray(y / np.abs(y).max(), dtype=np.float32)


if __name__ == "__main__":
    main(sys.argv[1:])
