"""The mood classifier: a small multilayer perceptron on summaries.

All that a summary goes through is inside: the mood space, standardisation, the lens, the layers, a temperature that
makes what it says as certain as it may be, softmax. It learns how far a track belongs to each mood, which smooths the
labels where moods pass into each other and nowhere else. Everything runs in one thread and is fixed by a seed: the
same music gives the same model.

References
----------
.. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tunekin_training.cluster import FARTHEST
from tunekin_training.corpus import Examples
from tunekin_training.lens import Lens
from tunekin_training.space import MoodSpace

__all__ = ["Fitted", "MoodNetwork", "fit", "predict"]

_HIDDEN = 128
_DROPOUT = 0.3
_LEARNING_RATE = 1e-3
_WEIGHT_DECAY = 0.02
_BATCH = 128
_MAX_EPOCHS = 60
# Epochs without a smaller loss on the validation part before training ends.
_PATIENCE = 8
# Where the network's certainty is looked for: a third to three times what it says.
_TEMPERATURES = np.geomspace(1 / 3, 3, 61)


class MoodNetwork(nn.Module):
    """Maps summaries [n, d] to the probability of each mood [n, moods].

    Parameters
    ----------
    space : MoodSpace
        Where moods live.
    lens : Lens
        What the layers see of it.
    moods : int
        How many there are.
    """

    def __init__(self, space: MoodSpace, lens: Lens, *, moods: int) -> None:
        super().__init__()
        constants = {
            "averaged": space.averaged,
            "cosine": space.cosine,
            "sine": space.sine,
            "mean": lens.mean,
            "scale": lens.scale,
            "axes": lens.axes,
            "temperature": np.ones(1),
        }
        for name, values in constants.items():
            self.register_buffer(name, torch.from_numpy(np.array(values, dtype=np.float32)))
        self.register_buffer("kept", torch.from_numpy(space.kept.copy()))
        self.layers = nn.Sequential(
            nn.Linear(lens.axes.shape[1], _HIDDEN),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, moods),
        )

    def logits(self, summary: torch.Tensor) -> torch.Tensor:
        """Compute the logarithms of the probabilities, but for a constant a row.

        Parameters
        ----------
        summary : torch.Tensor [shape=(n, d), dtype=float32]
            Summaries.

        Returns
        -------
        torch.Tensor [shape=(n, moods), dtype=float32]
            Logits.
        """
        chroma = torch.sqrt((summary @ self.cosine) ** 2 + (summary @ self.sine) ** 2)
        points = torch.cat((summary[:, self.kept], summary @ self.averaged, chroma), dim=1)
        # Silence and test tones stay near what was learnt from.
        standard = torch.clamp((points - self.mean) / self.scale, -FARTHEST, FARTHEST)
        return self.layers(standard @ self.axes) / self.temperature

    def forward(self, summary: torch.Tensor) -> torch.Tensor:
        """Compute the probabilities.

        Parameters
        ----------
        summary : torch.Tensor [shape=(n, d), dtype=float32]
            Summaries.

        Returns
        -------
        torch.Tensor [shape=(n, moods), dtype=float32]
            Rows sum to 1.
        """
        return torch.softmax(self.logits(summary), dim=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A network that has learnt.

    Attributes
    ----------
    network : MoodNetwork
        In evaluation mode.
    epochs : int
        How often it saw its examples.
    curves : np.ndarray [shape=(passes, 3), dtype=float64]
        After each pass: loss on the examples, loss and accuracy on the validation part; no row where there is none.
    """

    network: MoodNetwork
    epochs: int
    curves: NDArray[np.float64]

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        return float(self.network.temperature)


def fit(
    train: Examples,
    *,
    space: MoodSpace,
    lens: Lens,
    moods: int,
    seed: int,
    valid: Examples | None = None,
    epochs: int = _MAX_EPOCHS,
    temperature: float = 1.0,
) -> Fitted:
    """Train a network.

    Parameters
    ----------
    train : Examples
        What it learns from.
    space : MoodSpace
        Where moods live.
    lens : Lens
        What it sees of that.
    moods : int
        How many there are.
    seed : int
        Fixes the first weights, the order of the examples and what drops out.
    valid : Examples, optional
        Where given, training stops when the loss on these does not get smaller any more, and the best weights stay;
        then the temperature is that with which their moods are the least surprising.
    epochs : int
        The most passes over the examples; exactly so many where `valid` is not given.
    temperature : float
        What the logits are divided by where `valid` is not given.

    Returns
    -------
    Fitted
        The network, and the passes that it took.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fitted = _fit(train, MoodNetwork(space, lens, moods=moods), valid=valid, epochs=epochs)
            found = temperature if valid is None else _temperature(fitted.network, valid)
            fitted.network.temperature.fill_(found)
            return fitted
    finally:
        torch.set_num_threads(threads)


def predict(network: MoodNetwork, summaries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute probabilities.

    Parameters
    ----------
    network : MoodNetwork
        In evaluation mode.
    summaries : np.ndarray [shape=(n, d), dtype=float32]
        Summaries.

    Returns
    -------
    np.ndarray [shape=(n, moods), dtype=float32]
        Rows sum to 1.
    """
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(np.array(summaries, dtype=np.float32))).numpy())


def _fit(train: Examples, network: MoodNetwork, *, valid: Examples | None, epochs: int) -> Fitted:
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    data = _tensors(train)
    best, best_loss, best_epoch = copy.deepcopy(network.state_dict()), np.inf, 0
    curves = []
    for epoch in range(1, epochs + 1):
        network.train()
        for rows in torch.randperm(len(train.moods)).split(_BATCH):
            optimiser.zero_grad()
            _loss(network, *(part[rows] for part in data)).backward()
            optimiser.step()
        network.eval()
        if valid is None:
            continue
        with torch.inference_mode():
            learnt, loss = float(_loss(network, *data)), float(_loss(network, *_tensors(valid)))
        right = predict(network, valid.summaries).argmax(axis=1) == valid.moods
        curves.append((learnt, loss, float(np.average(right, weights=valid.weights))))
        if loss < best_loss:
            best, best_loss, best_epoch = copy.deepcopy(network.state_dict()), loss, epoch
        elif epoch - best_epoch >= _PATIENCE:
            break
    if valid is None:
        return Fitted(network=network, epochs=epochs, curves=np.zeros((0, 3)))
    network.load_state_dict(best)
    return Fitted(network=network, epochs=best_epoch, curves=np.array(curves))


def _temperature(network: MoodNetwork, valid: Examples) -> float:
    """Temperature with which the truth is the least surprising."""
    with torch.inference_mode():
        logits = network.logits(torch.from_numpy(np.array(valid.summaries)))
        losses = [
            float(
                (
                    nn.functional.cross_entropy(logits / value, torch.from_numpy(valid.moods), reduction="none")
                    * torch.from_numpy(valid.weights)
                ).mean()
            )
            for value in _TEMPERATURES.tolist()
        ]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _tensors(examples: Examples) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Examples as torch has them."""
    return (
        torch.from_numpy(np.array(examples.summaries)),
        torch.from_numpy(np.array(examples.memberships)),
        torch.from_numpy(np.array(examples.weights)),
    )


def _loss(
    network: MoodNetwork, summaries: torch.Tensor, memberships: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Weighted mean of the cross-entropy."""
    each = nn.functional.cross_entropy(network.logits(summaries), memberships, reduction="none")
    return (each * weights).sum() / weights.sum()
