"""The classifier's topics and handler."""

from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from tunekin.errors import MessageError
from tunekin.messages import Classified, Features, Withdrawal
from tunekin.service import Service
from tunekin_classifier.manifest import Manifest
from tunekin_classifier.metrics import ClassifierMetrics

__all__ = ["ROLE", "MoodModel", "service"]

ROLE = "classifier"

_WRITES = {"clips.features": "clips.classified", "tracks.features": "tracks.classified"}


class MoodModel(Protocol):
    """What the handler needs of a model."""

    @property
    def manifest(self) -> Manifest:
        """What the model says of itself."""

    def probabilities(self, summaries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Say how probable each mood is.

        Parameters
        ----------
        summaries : np.ndarray [shape=(n, summary_size)]
            One row a clip or track.

        Returns
        -------
        np.ndarray [shape=(n, moods), dtype=float32]
            Rows sum to 1.
        """


def service(
    latest: Callable[[], MoodModel], *, topics: tuple[str, ...], metrics: ClassifierMetrics | None = None
) -> Service:
    """Make the classifier.

    Parameters
    ----------
    latest : callable
        Gives the model in use: which moods there are, and how probable each is. Every message asks once.
    topics : tuple of str
        ``clips.features``, ``tracks.features`` or both.
    metrics : ClassifierMetrics, optional
        Where the model in use is told; nowhere to be seen by default.

    Returns
    -------
    Service
        Reads `Features`, writes `Classified`; passes `Withdrawal` on.
    """

    def handle(message: Features | Withdrawal) -> Iterator[Classified | Withdrawal]:
        if isinstance(message, Withdrawal):
            yield msgspec.structs.replace(message, before="writer")
            return
        model = latest()
        manifest = model.manifest
        if metrics is not None:
            metrics.judged_by(manifest)
        if message.feature_version != manifest.feature_version:
            msg = f"features of version {message.feature_version!r}; the model takes {manifest.feature_version!r}"
            raise MessageError(msg, hint="featurizer and model have to be of one feature version")
        size = len(manifest.summary_names)
        if len(message.summary) != size:
            msg = f"a summary of {len(message.summary)} numbers; the model takes {size}"
            raise MessageError(msg, hint="an earlier version heard this; `tunekin catalog add` hears its file again")
        summary = np.asarray(message.summary, dtype=np.float32)[np.newaxis]
        yield Classified(
            subject=message.subject,
            feature_version=message.feature_version,
            frames=message.frames,
            summary=message.summary,
            views=message.views,
            model_version=manifest.version,
            probabilities=tuple(model.probabilities(summary)[0].tolist()),
            trace=message.trace,
        )

    return Service(role=ROLE, topics=topics, handle=handle, writes=tuple(_WRITES[topic] for topic in topics))
