"""A small network that learns from music without labels: damaged cuts of one track lie close, those of others far.

It looks at `tunekin_training.pictures`, three seconds at a time. Cuts of other tracks in the batch are what a cut is
told apart from (normalised temperature-scaled cross-entropy [1]_). What the layers before the last two see is the
sound's vector, as usual [1]_: the last two learn to forget what differs between cuts.

Everything runs in one thread and is fixed by a seed: the same music gives the same network.

References
----------
.. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for contrastive learning of visual
   representations", ICML 2020.
.. [2] J. Spijkervet, J. A. Burgoyne, "Contrastive learning of musical representations", ISMIR 2021.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tunekin.errors import InputError
from tunekin_training.pictures import BANDS
from tunekin_training.steps import Arrays

__all__ = ["SIZE", "ContrastNetwork", "embed", "fit", "learn_step"]

# Length of a vector.
SIZE = 128
# Columns that the network looks at, 3 s, and how far one look is from the next where a whole sound is looked at.
_WIDTH, _STRIDE = 64, 32
_CHANNELS = (16, 32, 64, 96)
_PROJECTED = 64
_TRACKS, _STEPS = 64, 200
_TEMPERATURE = 0.1
_LEARNING_RATE, _WEIGHT_DECAY = 3e-3, 1e-4
# Looks at a time where nothing is learnt.
_LOOKS = 256


class ContrastNetwork(nn.Module):
    """Maps pictures [n, BANDS, 64] to vectors [n, SIZE]."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = _CHANNELS
        self.layers = nn.Sequential(
            nn.Conv2d(1, a, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(a),
            nn.ReLU(),
            nn.Conv2d(a, b, 3, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(b, c, 3, padding=1, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(c, d, 3, padding=1, bias=False),
            nn.BatchNorm2d(d),
            nn.ReLU(),
        )
        # Low and high bands apart, mean and deviation over time.
        self.vector = nn.Linear(d * BANDS // 32 * 2, SIZE)
        self.projection = nn.Sequential(nn.BatchNorm1d(SIZE), nn.ReLU(), nn.Linear(SIZE, _PROJECTED))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Look at pictures.

        Parameters
        ----------
        pictures : torch.Tensor [shape=(n, BANDS, columns), dtype=uint8]
            Pictures.

        Returns
        -------
        torch.Tensor [shape=(n, SIZE), dtype=float32]
            Vectors.
        """
        seen = self.layers((pictures.float() / 128 - 1).unsqueeze(1).contiguous(memory_format=torch.channels_last))
        bands = nn.functional.avg_pool2d(seen, (4, 1))
        pooled = torch.cat((bands.mean(dim=3), torch.sqrt(bands.var(dim=3, unbiased=False) + 1e-5)), dim=1)
        return self.vector(pooled.flatten(1))


def fit(cuts: NDArray[np.uint8], *, seed: int, steps: int = _STEPS) -> ContrastNetwork:
    """Learn.

    Parameters
    ----------
    cuts : np.ndarray [shape=(n, c, BANDS, columns), dtype=uint8]
        Pictures of at least two cuts of each of at least two tracks, of 64 columns or more.
    seed : int
        Fixes the first weights, and which cuts meet.
    steps : int
        Batches, of 64 tracks at most.

    Returns
    -------
    ContrastNetwork
        In evaluation mode.

    Raises
    ------
    InputError
        There are too few tracks or cuts, or they are too short.
    """
    tracks, count, _, columns = cuts.shape
    if tracks < 2 or count < 2 or columns < _WIDTH:  # noqa: PLR2004 -- of one alone nothing is told apart
        raise InputError(
            f"there are {count} cuts of {columns} columns of {tracks} tracks",
            hint=f"it takes at least two tracks with two cuts of {_WIDTH} columns each",
        )
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _fit(cuts, chance=np.random.default_rng(seed), steps=steps)


def embed(network: ContrastNetwork, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Make the vectors of sounds: means over looks at them.

    Parameters
    ----------
    network : ContrastNetwork
        In evaluation mode.
    pictures : sequence of np.ndarray [shape=(BANDS, columns), dtype=uint8]
        Of any length; of one that is shorter than a look is long, the network sees repetitions.

    Returns
    -------
    np.ndarray [shape=(n, SIZE), dtype=float64]
        Vectors.
    """
    looks = [_looks(one) for one in pictures]
    ends = np.cumsum([len(one) for one in looks])
    with _one_thread(), torch.inference_mode():
        parts = torch.from_numpy(np.concatenate(looks)).split(_LOOKS)
        vectors = np.concatenate([network(part).numpy() for part in parts]).astype(np.float64)
    return np.array([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])


def learn_step(
    cuts: NDArray[np.uint8], pictures: Sequence[NDArray[np.uint8]], seed: int, steps: int = _STEPS
) -> Arrays:
    """Learn from cuts and look at other sounds; a step of `tunekin_training.steps`.

    Parameters
    ----------
    cuts : np.ndarray [shape=(n, c, BANDS, columns), dtype=uint8]
        What `fit` takes.
    pictures : sequence of np.ndarray [shape=(BANDS, columns), dtype=uint8]
        What `embed` takes.
    seed : int
        Of learning.
    steps : int
        Batches.

    Returns
    -------
    mapping of str to np.ndarray
        ``vectors`` of the pictures.
    """
    return {"vectors": embed(fit(cuts, seed=seed, steps=steps), pictures)}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread, so that sums are added up in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fit(cuts: NDArray[np.uint8], *, chance: np.random.Generator, steps: int) -> ContrastNetwork:
    network = ContrastNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=_LEARNING_RATE, total_steps=steps)
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        vectors = network(torch.from_numpy(_pairs(cuts, chance)))
        _apart(network.projection(vectors)).backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def _pairs(cuts: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Take a look at one cut of each of some tracks, then at another of each."""
    tracks, count, _, columns = cuts.shape
    rows = chance.permutation(tracks)[:_TRACKS]
    two = np.array([chance.choice(count, 2, replace=False) for _ in rows]).T.ravel()
    starts = chance.integers(columns - _WIDTH + 1, size=len(two))
    looks = zip(np.tile(rows, 2).tolist(), two.tolist(), starts.tolist(), strict=True)
    return np.stack([cuts[row, one, :, start : start + _WIDTH] for row, one, start in looks])


def _apart(projected: torch.Tensor) -> torch.Tensor:
    """Say how hard it is to tell which two cuts are of one track: the loss of [1]_."""
    directions = nn.functional.normalize(projected)
    alike = directions @ directions.T / _TEMPERATURE
    alike.fill_diagonal_(-torch.inf)
    partners = torch.arange(len(directions)).roll(len(directions) // 2)
    return nn.functional.cross_entropy(alike, partners)


def _looks(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut a picture into overlapping looks; the last one ends where the picture does."""
    missing = _WIDTH - picture.shape[1]
    whole = np.pad(picture, ((0, 0), (0, missing)), mode="wrap") if missing > 0 else picture
    last = whole.shape[1] - _WIDTH
    starts = sorted({*range(0, last + 1, _STRIDE), last})
    return np.stack([whole[:, start : start + _WIDTH] for start in starts])
