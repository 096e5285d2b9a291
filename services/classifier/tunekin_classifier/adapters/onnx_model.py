"""A mood model in ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tunekin.errors import ModelError
from tunekin.features import FEATURES, FeatureVersion
from tunekin_classifier.manifest import Manifest, check, parse

__all__ = ["OnnxMoodModel"]


class OnnxMoodModel:
    """A trained mood model, loaded from its folder.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``model.onnx`` and ``manifest.json``.
    version : FeatureVersion
        Whose summaries it will be given.

    Raises
    ------
    ModelError
        The folder is incomplete, damaged or made for other features.
    """

    def __init__(self, folder: Path, *, version: FeatureVersion = FEATURES) -> None:
        try:
            document = (folder / "manifest.json").read_bytes()
            onnx = (folder / "model.onnx").read_bytes()
        except OSError as error:
            msg = f"there is no model in {folder}: {error.strerror}"
            raise ModelError(msg, hint="a model folder holds manifest.json and model.onnx") from error
        self._manifest = parse(document)
        check(self._manifest, onnx=onnx, version=version)
        options = onnxruntime.SessionOptions()
        # One summary is a few thousand multiplications: threads would only wait for each other.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    @property
    def manifest(self) -> Manifest:
        """What the model says of itself."""
        return self._manifest

    def probabilities(self, summaries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of each mood.

        Parameters
        ----------
        summaries : np.ndarray [shape=(n, summary_size)]
            One row a clip or track.

        Returns
        -------
        np.ndarray [shape=(n, moods), dtype=float32]
            Rows sum to 1.
        """
        (outputs,) = self._session.run(None, {self._input: summaries.astype(np.float32)})
        return np.asarray(outputs, dtype=np.float32)
