"""The lens that moods are looked for through: what stays the same in a song, and what listeners feel.

A standardised summary has as much to say about the recording, and about the seconds that were cut out of the song, as
about the song. Groups found in it are groups of brightness and noise as much as of moods. Two linear views look past
that, each learnt from evidence where there is some:

- *what stays*: directions in which songs differ much more than cuts of one song do, clean or through a telephone, in a
  room, in noise (linear discriminant analysis, with the songs as classes; distances count in deviations of the cuts);
- *what is felt*: directions in which listeners' emotions change, by ridge regression on tracks and cuts in what stays,
  in the main axes of what it predicts.

Without cuts the first view is the main axes of the tracks, without emotions the second is left out. Of a catalogue
there are neither cuts nor emotions: it borrows the axes that were ground on the music of the shipped model, which
`lens.json` holds.

A classifier sees through the same lens, and a little more of what stays than moods are looked for in: whoever is to
recognise a mood in a few seconds has to be spared what those seconds say of themselves. Whatever is judged by music
that was held out is ground without it.

References
----------
.. [1] C. R. Rao, "The utilization of multiple measurements in problems of biological classification", JRSS B 10, 1948.
.. [2] A. E. Hoerl and R. W. Kennard, "Ridge regression", Technometrics 12, 1970.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.linear_model import Ridge

from tunekin_training.cluster import FARTHEST, deviations

__all__ = ["Lens", "borrowed", "fit_lens", "write"]

_SHIPPED = Path(__file__).with_name("lens.json")

# What stays: the axes that classifiers see, and the first of them, in which moods are looked for. The numbers here, how
# many axes are felt and the ridge were compared on the development music; see docs/adr on moods for what that flatters.
_SHOWN, _STAYING = 24, 10
# Feelings change in finer things too, but hardly in what differs no more between songs than between cuts of one.
_FEELING = 80
_FELT = 5
_RIDGE = 1_000.0
# Share of the mean variance of the cuts that is added to each dimension, since few cuts say little about many of them.
_SHRINKAGE = 0.1
# Fewer tracks that listeners were asked about say more about themselves than about music.
_ENOUGH_FELT = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Lens:
    """A linear map from standardised points to what is seen.

    Attributes
    ----------
    mean, scale : np.ndarray [shape=(p,), dtype=float64]
        Standardise points.
    axes : np.ndarray [shape=(p, k), dtype=float64]
        What each dimension contributes to what classifiers see: first what stays, then what is felt. Tracks have a
        deviation of 1 along each axis.
    weights : np.ndarray [shape=(q,), dtype=float64]
        How much each counts where moods are looked for: of the first axes, then of those that are felt.
    felt : int
        How many of the axes, the last ones, are felt.
    borrowed : bool
        Whether the axes were ground on other music.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    axes: NDArray[np.float64]
    weights: NDArray[np.float64]
    felt: int
    borrowed: bool = False

    def show(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Show points to a classifier.

        Parameters
        ----------
        points : np.ndarray [shape=(..., p)]
            Points.

        Returns
        -------
        np.ndarray [shape=(..., k), dtype=float64]
            What it sees of them.
        """
        return np.asarray(np.clip((points - self.mean) / self.scale, -FARTHEST, FARTHEST) @ self.axes)

    def look(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Look for moods.

        Parameters
        ----------
        points : np.ndarray [shape=(..., p)]
            Points.

        Returns
        -------
        np.ndarray [shape=(..., q), dtype=float64]
            Places.
        """
        shown, staying = self.show(points), len(self.weights) - self.felt
        felt = shown.shape[-1] - self.felt
        return np.concatenate((shown[..., :staying], shown[..., felt:]), axis=-1) * self.weights


def fit_lens(points: NDArray[np.floating], *, cuts: NDArray[np.floating], emotions: NDArray[np.float64]) -> Lens:
    """Grind a lens.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        Points of the tracks.
    cuts : np.ndarray [shape=(n, c, p)]
        Those of their cuts; there may be none.
    emotions : np.ndarray [shape=(n, e)]
        Share of listeners who felt each emotion; NaN where nobody was asked.

    Returns
    -------
    Lens
        With the views that there is evidence for.
    """
    mean, scale = deviations(points)
    tracks, heard = (np.clip((one - mean) / scale, -FARTHEST, FARTHEST) for one in (points, cuts))
    directions = _staying(tracks, heard)
    axes, spread = _even(directions[:, :_SHOWN], tracks)
    views = [(axes, spread[:_STAYING] / _length(spread[:_STAYING]))]
    asked = np.flatnonzero(~np.isnan(emotions).any(axis=1)) if emotions.shape[1] else np.array([], dtype=np.int64)
    if len(asked) >= _ENOUGH_FELT:
        feeling = directions[:, :_FEELING]
        felt = _felt(tracks @ feeling, (heard @ feeling)[asked], asked=asked, emotions=emotions[asked])
        axes, spread = _even(feeling @ felt, tracks)
        views.append((axes, spread / _length(spread)))
    return Lens(
        mean=mean,
        scale=scale,
        axes=np.hstack([axes for axes, _ in views]),
        weights=np.concatenate([weights for _, weights in views]),
        felt=sum(axes.shape[1] for axes, _ in views[1:]),
    )


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    """The axes of a lens as a file holds them."""

    summary_names: tuple[str, ...]
    felt: int
    weights: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]


def write(lens: Lens, *, summary_names: tuple[str, ...]) -> bytes:
    """Write the axes of a lens down, to four significant digits.

    Parameters
    ----------
    lens : Lens
        The lens.
    summary_names : tuple of str
        Numbers of the summaries that it was ground on, in order.

    Returns
    -------
    bytes
        JSON.
    """
    axes, (weights,) = (
        tuple(tuple(float(f"{value:.4g}") for value in row) for row in matrix.tolist())
        for matrix in (lens.axes, lens.weights[np.newaxis])
    )
    document = _Document(summary_names=summary_names, felt=lens.felt, weights=weights, axes=axes)
    return msgspec.json.encode(document) + b"\n"


def borrowed(points: NDArray[np.floating], *, summary_names: tuple[str, ...]) -> Lens | None:
    """Look at points along the axes of the shipped model.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        What is to be looked at; standardised by itself.
    summary_names : tuple of str
        Numbers of the summaries that the points were made of, in order.

    Returns
    -------
    Lens or None
        None where the axes were ground on other summaries.
    """
    document = msgspec.json.decode(_SHIPPED.read_bytes(), type=_Document)
    if document.summary_names != summary_names:
        return None
    mean, scale = deviations(points)
    # Along some axes tracks may differ more than those that they were ground on.
    axes, spread = _even(np.array(document.axes), np.clip((points - mean) / scale, -FARTHEST, FARTHEST))
    looked = np.r_[: len(document.weights) - document.felt, len(spread) - document.felt : len(spread)]
    weights = np.array(document.weights) * spread[looked]
    return Lens(mean=mean, scale=scale, axes=axes, weights=weights, felt=document.felt, borrowed=True)


def _staying(points: NDArray[np.float64], cuts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions in which tracks differ more than cuts of one track, in deviations of the cuts; the best come first."""
    within = np.eye(points.shape[1])
    if cuts.shape[1]:
        strays = (cuts - points[:, np.newaxis]).reshape(-1, points.shape[1])
        within = strays.T @ strays / len(strays)
        within += (_SHRINKAGE * np.trace(within) / len(within) + 1e-9) * np.eye(len(within))
    ratios, directions = eigh(np.cov(points.T), within)
    return np.asarray(directions[:, np.argsort(-ratios, kind="stable")])


def _felt(
    points: NDArray[np.float64],
    cuts: NDArray[np.float64],
    *,
    asked: NDArray[np.int64],
    emotions: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Find the main axes of the emotions that a ridge regression predicts."""
    count = cuts.shape[1]
    spread = emotions.std(axis=0)
    wanted = (emotions - emotions.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    heard = np.concatenate((points[asked], cuts.reshape(-1, points.shape[1])))
    weights = np.concatenate((np.ones(len(asked)), np.full(len(asked) * count, 1 / max(count, 1))))
    ridge = Ridge(alpha=_RIDGE).fit(heard, np.concatenate((wanted, np.repeat(wanted, count, axis=0))), weights)
    coefficients = ridge.coef_.T
    predicted = points @ coefficients
    _, _, axes = np.linalg.svd(predicted - predicted.mean(axis=0), full_matrices=False)
    return np.asarray(coefficients @ axes[:_FELT].T)


def _even(axes: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give points a deviation of 1 along each axis, and say what it was; where that is 0, the axis shows nothing."""
    spread = (points @ axes).std(axis=0)
    seen = spread > 1e-6 * spread.max(initial=0.0)
    return np.where(seen, axes / np.where(seen, spread, 1.0), 0.0), np.where(seen, spread, 0.0)


def _length(weights: NDArray[np.float64]) -> float:
    """Length of a vector, which nothing is divided by where it is 0."""
    return float(np.linalg.norm(weights)) or 1.0
