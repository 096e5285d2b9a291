"""``tunekin-classifier --lane LANE``: composition root."""

import numpy as np

from tunekin.features import FEATURES
from tunekin.process import Process, Role, Root, run
from tunekin.settings import read
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.service import service
from tunekin_classifier.settings import ClassifierSettings

__all__ = ["ROOTS", "main"]


def _compose(process: Process) -> Role:
    model = OnnxMoodModel(read(ClassifierSettings).model)
    topic = process.of_lane(clips="clips.features", tracks="tracks.features")

    def warm_up() -> None:
        model.probabilities(np.zeros((1, FEATURES.summary_size), np.float32))

    return Role(service=service(model, topics=(topic,)), warm_up=warm_up)


ROOTS = Root(compose=_compose, settings=(ClassifierSettings,), has_lanes=True)


def main() -> None:
    """Run the classifier."""
    run("tunekin-classifier", ROOTS)


if __name__ == "__main__":
    main()
