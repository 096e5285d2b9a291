"""Views: short vectors, one for each respect in which songs are alike, made of a descriptor.

=========== ===========================================================================================
view        near are
=========== ===========================================================================================
``style``   songs of one kind of artist, however they were recorded
``feeling`` songs that listeners give the same genre and the same emotions
``timbre``  songs of like colour, however they were recorded
``rhythm``  songs of like pulse and motion, likewise
``harmony`` songs of like intervals and tonality in any key, likewise
=========== ===========================================================================================

All but ``feeling`` are linear discriminants: axes along which tracks differ much, and recordings of the same track,
through microphones, rooms, codecs and noise, little. ``feeling`` is a ridge regression on random cosines of the
descriptor. `tunekin_training.views` learns them.

Each view has a *reach* besides: a distance within which about a twentieth of all music lies from it. Songs in the
middle of everything have a small reach and songs at the edge a large one; a distance divided by the geometric mean of
two reaches makes neither a hub of the one nor an orphan of the other [1]_.

References
----------
.. [1] D. Schnitzer, A. Flexer, M. Schedl, G. Widmer, "Local and global scaling reduce hubs in space", JMLR 13, 2012;
   here with the distribution of distances taken from moments of all music, so that it needs no catalogue.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["COSINES", "Moments", "ViewModel", "cosines", "shipped"]

# Share of all music that lies within a view's reach.
_WITHIN = 0.05
# A descriptor's numbers further out than this many deviations say no more than that.
_MOST_DEVIATIONS = 6.0
# Random cosines, how quickly they turn, and how much the descriptor itself counts beside them.
COSINES = 512
_TURN, _COSINES_WEIGHT, _LINEAR_WEIGHT = 0.7, 20.0, 0.3
# Of a mean square: keeps a vector in the very middle a positive spread.
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """How a view's vectors lie over all music: what the distribution of distances from one of them follows from.

    Attributes
    ----------
    mean : np.ndarray [shape=(k,)]
        Mean vector.
    covariance : np.ndarray [shape=(k, k)]
        Covariance.
    skew : np.ndarray [shape=(k,)]
        Mean of the centred vector times its own squared norm.
    square_mean, square_variance : float
        Mean and variance of the centred vectors' squared norms.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    skew: NDArray[np.float64]
    square_mean: float
    square_variance: float

    @classmethod
    def of(cls, vectors: NDArray[np.floating]) -> "Moments":
        """Measure them.

        Parameters
        ----------
        vectors : np.ndarray [shape=(n, k)]
            A view of much music.

        Returns
        -------
        Moments
            Of these vectors.
        """
        centred = vectors - vectors.mean(axis=0)
        squares = (centred**2).sum(axis=1)
        return cls(
            mean=vectors.mean(axis=0),
            covariance=centred.T @ centred / len(vectors),
            skew=(centred * squares[:, None]).mean(axis=0),
            square_mean=float(squares.mean()),
            square_variance=float(squares.var()),
        )

    def reach(self, vector: NDArray[np.floating]) -> float:
        """Say within which distance a twentieth of all music lies.

        Squared distances from a vector have a mean and a variance that follow from the moments; a gamma distribution of
        the same two stands for theirs.

        Parameters
        ----------
        vector : np.ndarray [shape=(k,)]
            From where.

        Returns
        -------
        float
            Distance, above 0.
        """
        away = vector - self.mean
        mean = float(away @ away) + self.square_mean
        variance = self.square_variance + 4 * float(away @ self.covariance @ away) - 4 * float(away @ self.skew)
        variance = max(variance, _LEAST_SPREAD * mean**2)
        shape = mean**2 / variance
        return float(np.sqrt(scipy.special.gammaincinv(shape, _WITHIN) * variance / mean))


@dataclass(frozen=True, kw_only=True, eq=False)
class ViewModel:
    """What makes views of a descriptor.

    Attributes
    ----------
    mean, scale : np.ndarray [shape=(d,)]
        Standardise a descriptor.
    projections : dict of str to np.ndarray [shape=(d, k)]
        Axes of each view but ``feeling``.
    cosine_mean : np.ndarray [shape=(COSINES + d,)]
        Taken off the input of the regression.
    regression : np.ndarray [shape=(COSINES + d, k)]
        Weights of ``feeling``.
    moments : dict of str to Moments
        Of each view.
    """

    mean: NDArray[np.floating]
    scale: NDArray[np.floating]
    projections: dict[str, NDArray[np.floating]]
    cosine_mean: NDArray[np.floating]
    regression: NDArray[np.floating]
    moments: dict[str, Moments] = field(default_factory=dict)

    @classmethod
    def load(cls, weights: dict[str, NDArray[Any]], *, version: FeatureVersion = FEATURES) -> "ViewModel":
        """Take a model from arrays by name, as `arrays` gives them.

        Parameters
        ----------
        weights : dict of str to np.ndarray
            Arrays by name.
        version : FeatureVersion
            Names the views.

        Returns
        -------
        ViewModel
            The model.
        """
        names = [name for name, _ in version.views]
        one = {name: array.astype(np.float64) for name, array in weights.items()}
        return cls(
            mean=one["mean"],
            scale=one["scale"],
            projections={name: one[f"{name}.axes"] for name in names if name != "feeling"},
            cosine_mean=one["cosine_mean"],
            regression=one["regression"],
            moments={
                name: Moments(
                    mean=one[f"{name}.mean"],
                    covariance=one[f"{name}.covariance"],
                    skew=one[f"{name}.skew"],
                    square_mean=float(one[f"{name}.square"][0]),
                    square_variance=float(one[f"{name}.square"][1]),
                )
                for name in names
            },
        )

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give the model as arrays by name, for a file.

        Returns
        -------
        dict of str to np.ndarray [dtype=float32]
            What `load` takes.
        """
        plain: dict[str, NDArray[np.floating]] = {
            "mean": self.mean,
            "scale": self.scale,
            "cosine_mean": self.cosine_mean,
            "regression": self.regression,
            **{f"{name}.axes": axes for name, axes in self.projections.items()},
        }
        for name, moments in self.moments.items():
            plain |= {
                f"{name}.mean": moments.mean,
                f"{name}.covariance": moments.covariance,
                f"{name}.skew": moments.skew,
                f"{name}.square": np.array([moments.square_mean, moments.square_variance]),
            }
        return {name: array.astype(np.float32) for name, array in plain.items()}

    def standardised(self, descriptors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Standardise descriptors.

        Parameters
        ----------
        descriptors : np.ndarray [shape=(..., d)]
            Descriptors.

        Returns
        -------
        np.ndarray [shape=(..., d), dtype=float64]
            Numbers of mean 0 and deviation 1, none beyond 6.
        """
        standard = (descriptors - self.mean) / self.scale
        return np.asarray(np.clip(standard, -_MOST_DEVIATIONS, _MOST_DEVIATIONS), np.float64)

    def vectors(self, descriptors: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
        """Make the vectors of all views.

        Parameters
        ----------
        descriptors : np.ndarray [shape=(..., d)]
            Descriptors.

        Returns
        -------
        dict of str to np.ndarray [shape=(..., k), dtype=float64]
            By view.
        """
        standard = self.standardised(descriptors)
        made = {name: np.asarray(standard @ axes, np.float64) for name, axes in self.projections.items()}
        made["feeling"] = np.asarray((cosines(standard) - self.cosine_mean) @ self.regression, np.float64)
        return made

    def of(self, descriptor: NDArray[np.floating], *, version: FeatureVersion = FEATURES) -> NDArray[np.float16]:
        """Make all views of one descriptor.

        Parameters
        ----------
        descriptor : np.ndarray [shape=(d,)]
            The descriptor.
        version : FeatureVersion
            Orders the views.

        Returns
        -------
        np.ndarray [shape=(views_size,), dtype=float16]
            The vectors one after another, then the reach of each.
        """
        vectors = self.vectors(descriptor)
        names = [name for name, _ in version.views]
        reaches = [self.moments[name].reach(vectors[name]) for name in names]
        return np.concatenate([*(vectors[name] for name in names), reaches]).astype(np.float16)


def cosines(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Input of the regression: random cosines of a standardised descriptor, and the descriptor itself.

    Directions and phases come from a hash, so they are the same everywhere and need no file.

    Parameters
    ----------
    standard : np.ndarray [shape=(..., d)]
        Standardised descriptors.

    Returns
    -------
    np.ndarray [shape=(..., COSINES + d), dtype=float64]
        Numbers.

    References
    ----------
    .. [1] A. Rahimi, B. Recht, "Random features for large-scale kernel machines", NIPS 2007.
    """
    d = standard.shape[-1]
    phases = np.frombuffer(hashlib.shake_256(b"phases").digest(2 * COSINES), "<u2") / 65_536 * 2 * np.pi
    turned = np.cos(standard @ _directions(d) * (_TURN / np.sqrt(d)) + phases) * (
        _COSINES_WEIGHT * np.sqrt(2 / COSINES)
    )
    return np.concatenate([turned, standard * _LINEAR_WEIGHT], axis=-1)


@cache
def shipped() -> ViewModel:
    """Load the model that belongs to the feature version.

    Returns
    -------
    ViewModel
        The model.
    """
    with resources.files("tunekin_featurizer").joinpath("models", "views", "weights.npz").open("rb") as file:
        return ViewModel.load(dict(np.load(file, allow_pickle=False)))


@cache
def _directions(d: int) -> NDArray[np.float64]:
    """Make a direction for each cosine, a column of steps of 1 forwards or backwards along each number."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(b"directions").digest(d * COSINES // 8), np.uint8))
    return np.asarray(bits.reshape(d, COSINES) * 2.0 - 1, np.float64)
