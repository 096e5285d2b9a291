"""The mood classifier: a small multilayer perceptron on summaries.

All that a summary goes through is inside: the mood space, standardisation, the layers, a temperature that makes what it
says as certain as it may be, softmax. It learns how far a track belongs to each mood, which smooths the labels where
moods pass into each other and nowhere else. Everything runs in one thread and is fixed by a seed: the same music gives
the same model.

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

from tunekin_training.corpus import Examples
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
# As far as clustering looks, see `tunekin_training.cluster`; silence and test tones stay near what was trained.
_FARTHEST = 3.0


class MoodNetwork(nn.Module):
    """Maps summaries [n, d] to the probability of each mood [n, moods].

    Parameters
    ----------
    space : MoodSpace
        Where moods live.
    mean, scale : np.ndarray [shape=(p,), dtype=float32]
        Standardise its dimensions.
    moods : int
        How many there are.
    lens : np.ndarray [shape=(p, q)] or None
        Directions in the standardised points that it is shown besides; none unless given.
    """

    def __init__(
        self,
        space: MoodSpace,
        *,
        mean: NDArray[np.float32],
        scale: NDArray[np.float32],
        moods: int,
        lens: NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__()
        # No dimension at all, where there is no lens.
        seen = np.zeros((space.size, 0)) if lens is None else lens
        self.register_buffer("lens", torch.from_numpy(np.array(seen, dtype=np.float32)))
        constants = {"linear": space.linear, "cosine": space.cosine, "sine": space.sine, "mean": mean, "scale": scale}
        constants["temperature"] = np.ones(1, dtype=np.float32)
        for name, values in constants.items():
            self.register_buffer(name, torch.from_numpy(np.array(values, dtype=np.float32)))
        self.layers = nn.Sequential(
            nn.Linear(space.size + seen.shape[1], _HIDDEN),
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
        points = torch.cat((summary @ self.linear, chroma), dim=1)
        standard = torch.clamp((points - self.mean) / self.scale, -_FARTHEST, _FARTHEST)
        if self.lens.shape[1]:
            standard = torch.cat((standard, standard @ self.lens), dim=1)
        return self.layers(standard) / self.temperature

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
    moods: int,
    seed: int,
    valid: Examples | None = None,
    epochs: int = _MAX_EPOCHS,
    temperature: float = 1.0,
    lens: NDArray[np.float64] | None = None,
) -> Fitted:
    """Train a network.

    Parameters
    ----------
    train : Examples
        What it learns from; they fix the standardisation too.
    space : MoodSpace
        Where moods live.
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
    lens : np.ndarray [shape=(p, q)] or None
        What the network is shown besides the standardised points: directions in them.

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
            fitted = _fit(train, space=space, moods=moods, valid=valid, epochs=epochs, lens=lens)
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


def _fit(
    train: Examples,
    *,
    space: MoodSpace,
    moods: int,
    valid: Examples | None,
    epochs: int,
    lens: NDArray[np.float64] | None,
) -> Fitted:
    points = space.points(train.summaries)
    scale = points.std(axis=0, dtype=np.float64)
    # A dimension in which everything is the same tells nothing.
    scale[scale <= 1e-6 * np.abs(points).max(axis=0)] = np.inf
    mean = points.mean(axis=0, dtype=np.float64)
    constants = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
    network = MoodNetwork(space, **constants, moods=moods, lens=lens)
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
