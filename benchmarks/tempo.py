"""Music of known tempo: how often an estimate is right, and the weights that the estimate is made with.

The pieces are composed (`tunekin_demo`), the clicks made here. A piece's tempo is its score's.
``python -m benchmarks.tempo`` composes the catalogues with the seeds that weights are learnt from, learns them by
conditional logistic regression, and prints them for `tunekin_featurizer.tempo`, with what they reach on music that they
were not learnt from, and on a style that was left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tunekin.features import FEATURES
from tunekin_demo.compose import catalogue, render
from tunekin_featurizer import mfcc, stft, tempo

__all__ = ["HELD_OUT_SEED", "Known", "accuracy", "clicks", "composed", "estimate", "learn", "main"]

# Seeds of the catalogues that weights are learnt from, that their form was chosen by, and that judge them.
_LEARNT_SEEDS, _CHOSEN_SEEDS, HELD_OUT_SEED = (1, 3, 5), (0, 2), 4

# An estimate within this share of the tempo is right.
_TOLERANCE = 0.04

# Each piece is learnt from as it is, slower and faster, else the weights would know the styles' tempi by heart.
_PACES = (0.71, 0.84, 1.0, 1.19, 1.41)
_LEARNT_BPM = (50.0, 200.0)
_CLICKS = 200
_RIDGE = 3e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A sound of known tempo.

    Attributes
    ----------
    name : str
        Style of a piece, or ``clicks``.
    bpm : float
        Beats a minute.
    y : np.ndarray [shape=(n,), dtype=float32]
        The sound, mono at 22,050 Hz.
    """

    name: str
    bpm: float
    y: NDArray[np.float32]


def composed(*, seed: int) -> Iterator[Known]:
    """Compose a catalogue.

    Parameters
    ----------
    seed : int
        Which one.

    Yields
    ------
    Known
        A piece.
    """
    for piece in catalogue(seed=seed):
        yield Known(name=piece.style, bpm=piece.tempo_bpm, y=render(piece, sample_rate_hz=FEATURES.sample_rate_hz))


def clicks(*, count: int, seed: int, duration_s: float = 20.0) -> Iterator[Known]:
    """Make metronomes of 50 to 190 beats a minute: short bursts, by turns in silence and over faint noise.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Decides their tempi.
    duration_s : float
        How long each sounds.

    Yields
    ------
    Known
        A metronome.
    """
    rng = np.random.default_rng(seed)
    n = round(duration_s * FEATURES.sample_rate_hz)
    burst = np.exp(-np.arange(660) / 110)
    for i, bpm in enumerate(np.exp(rng.uniform(np.log(50), np.log(190), count))):
        y = 1e-3 * (i % 2) * rng.standard_normal(n + len(burst))
        for start in np.arange(0, n, 60 * FEATURES.sample_rate_hz / bpm).astype(int):
            y[start : start + len(burst)] += 0.5 * burst * rng.standard_normal(len(burst))
        yield Known(name="clicks", bpm=float(bpm), y=np.clip(y[:n], -1, 1).astype(np.float32))


def accuracy(estimates_bpm: Sequence[float], known_bpm: Sequence[float]) -> tuple[float, float]:
    """Accuracy 1 and 2 after Gouyon et al. 2006: within 4 %, without and with errors of metre forgiven.

    Parameters
    ----------
    estimates_bpm, known_bpm : sequence of float
        Tempi in beats a minute.

    Returns
    -------
    float, float
        Shares of the estimates that are right; for the second, half, double, a third of and three times the tempo are
        right too.

    Examples
    --------
    >>> accuracy([120.0, 60.0], [121.0, 121.0])
    (0.5, 1.0)
    """
    ratio = np.asarray(estimates_bpm) / np.asarray(known_bpm)
    right = np.abs(ratio[:, None] / np.array([1, 2, 3, 1 / 2, 1 / 3]) - 1) <= _TOLERANCE
    return float(right[:, 0].mean()), float(right.any(axis=1).mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Heard:
    """What is learnt from a sound."""

    name: str
    bpm: float
    strengths: NDArray[np.float32]

    def played(self, pace: float) -> "_Heard":
        """Play it at another pace."""
        t = self.strengths.shape[1]
        at = np.arange(0, t - 1, pace)
        rows = [pace * np.interp(at, np.arange(t), row) for row in self.strengths]
        return _Heard(name=self.name, bpm=self.bpm * pace, strengths=np.array(rows, dtype=np.float32))

    def evidence(self) -> NDArray[np.float64]:
        return tempo.evidence(tempo.repetitions(self.strengths), self.strengths)


def estimate(y: NDArray[np.float32]) -> float:
    """Estimate a tempo.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono signal at 22,050 Hz.

    Returns
    -------
    float
        Beats a minute.
    """
    return tempo.tempo_bpm(_strengths(y))


def _strengths(y: NDArray[np.float32]) -> NDArray[np.float32]:
    levels = mfcc.levels_db(mfcc.mel_power(stft.magnitude(y)))
    return tempo.onset_strengths(levels, peak_db=mfcc.local_peak_db(levels))


def _heard(known: Known) -> _Heard:
    return _Heard(name=known.name, bpm=known.bpm, strengths=_strengths(known.y))


def learn(evidence: NDArray[np.float64], bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Learn how much each piece of evidence counts.

    Parameters
    ----------
    evidence : np.ndarray [shape=(n, tempi, p)]
        Evidence for each tempo, of each sound.
    bpm : np.ndarray [shape=(n,)]
        The sounds' tempi.

    Returns
    -------
    np.ndarray [shape=(p,)]
        Weights under which the right tempi are most likely.
    """
    count, _, size = evidence.shape
    scale = evidence.reshape(-1, size).std(axis=0)
    points = evidence / scale
    # Of the tempi weighed, those next to the right one are right.
    right = np.abs(tempo.TEMPI_BPM / bpm[:, None] - 1) <= 0.75 * _TOLERANCE

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = points @ weights
        likely = np.exp(score - score.max(axis=1, keepdims=True))
        of_all, of_right = likely.sum(axis=1, keepdims=True), (likely * right).sum(axis=1, keepdims=True)
        slope = np.einsum("nc,ncp->p", likely / of_all - likely * right / of_right, points) / count
        return (
            float(np.log(of_all / of_right).mean() + _RIDGE * weights @ weights),
            slope + 2 * _RIDGE * weights,
        )

    return np.asarray(minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x / scale)


def main() -> None:
    """Learn the weights, and print them with what they reach."""
    pieces = {seed: [_heard(known) for known in composed(seed=seed)] for seed in (*_LEARNT_SEEDS, *_CHOSEN_SEEDS)}
    metronomes = [_heard(known) for known in clicks(count=_CLICKS, seed=1)]
    faster = [heard.played(pace) for seed in _LEARNT_SEEDS for heard in pieces[seed] for pace in _PACES]
    learnt = [heard for heard in (*faster, *metronomes) if _LEARNT_BPM[0] < heard.bpm < _LEARNT_BPM[1]]
    held = [heard for seed in _CHOSEN_SEEDS for heard in pieces[seed]]
    names, held_names = np.array([heard.name for heard in learnt]), np.array([heard.name for heard in held])
    evidence, bpm = np.array([heard.evidence() for heard in learnt]), np.array([heard.bpm for heard in learnt])
    held_evidence, held_bpm = np.array([heard.evidence() for heard in held]), np.array([heard.bpm for heard in held])

    def reached(weights: NDArray[np.float64], chosen: NDArray[np.bool_]) -> tuple[float, float]:
        return accuracy(list(tempo.TEMPI_BPM[(held_evidence[chosen] @ weights).argmax(axis=1)]), list(held_bpm[chosen]))

    weights = learn(evidence, bpm)
    print("weights:", np.array2string(weights, separator=", ", precision=4))
    print("accuracy 1 and 2 on other pieces:", *reached(weights, np.ones(len(held), dtype=bool)))
    for style in np.unique(held_names):
        without = learn(evidence[names != style], bpm[names != style])
        print(f"accuracy 1 and 2 on {style}, learnt without it:", *reached(without, held_names == style))


if __name__ == "__main__":
    main()
