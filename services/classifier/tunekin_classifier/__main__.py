"""``tunekin-classifier --lane LANE``: composition root."""

import numpy as np

from tunekin.features import FEATURES
from tunekin.process import Process, Role, Root, run
from tunekin.settings import read
from tunekin_classifier.adapters.model_store import FollowedModel, Pointer
from tunekin_classifier.metrics import ClassifierMetrics
from tunekin_classifier.service import service
from tunekin_classifier.settings import ClassifierSettings

__all__ = ["ROOTS", "main"]

_CLIPS_FOLLOW: tuple[Pointer, ...] = ("current",)
_TRACKS_FOLLOW: tuple[Pointer, ...] = ("upcoming", "current")


def _compose(process: Process) -> Role:
    # The catalogue is brought to a new model before clips are.
    pointers = process.of_lane(clips=_CLIPS_FOLLOW, tracks=_TRACKS_FOLLOW)
    models = FollowedModel(read(ClassifierSettings).model, pointers=pointers)
    topic = process.of_lane(clips="clips.features", tracks="tracks.features")

    def warm_up() -> None:
        model = models.latest()
        model.probabilities(np.zeros((1, FEATURES.summary_size), np.float32))
        metrics.judged_by(model.manifest)

    metrics = ClassifierMetrics(process.registry)
    return Role(service=service(models.latest, topics=(topic,), metrics=metrics), warm_up=warm_up)


ROOTS = Root(compose=_compose, settings=(ClassifierSettings,), has_lanes=True)


def main() -> None:
    """Run the classifier."""
    run("tunekin-classifier", ROOTS)


if __name__ == "__main__":
    main()
