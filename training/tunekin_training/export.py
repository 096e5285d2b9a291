"""Write a network as ONNX, and hold what ONNX Runtime computes against what torch computes."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from tunekin_training.network import MoodNetwork, predict

__all__ = ["Exported", "export"]

# Newest that every ONNX Runtime since 1.15 runs; the network uses nothing newer.
_OPSET = 18
# Probabilities; float32 sums in another order differ by less.
_TOLERANCE = 1e-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Exported:
    """A model file.

    Attributes
    ----------
    onnx : bytes
        Maps ``summary`` float32 [n, summary_size] to ``probabilities`` float32 [n, moods].
    max_difference : float
        Largest difference of a probability between ONNX Runtime and torch.
    """

    onnx: bytes
    max_difference: float


def export(network: MoodNetwork, *, summaries: NDArray[np.float32]) -> Exported:
    """Write a network as ONNX.

    Parameters
    ----------
    network : MoodNetwork
        In evaluation mode.
    summaries : np.ndarray [shape=(n, d), dtype=float32]
        What to compare both on; at least one.

    Returns
    -------
    Exported
        The same bytes for the same network: nothing in it says where or when it was made.

    Raises
    ------
    RuntimeError
        ONNX Runtime computes something else.
    """
    example = torch.from_numpy(np.array(summaries[:2], dtype=np.float32))
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["summary"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=_OPSET,
            verbose=False,
        )
    model = _bare(program.model_proto)
    onnx.checker.check_model(model, full_check=True)
    document = model.SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(document, providers=["CPUExecutionProvider"])
    (computed,) = session.run(["probabilities"], {"summary": summaries})
    difference = float(np.abs(computed - predict(network, summaries)).max())
    if difference > _TOLERANCE:
        raise RuntimeError(f"ONNX Runtime and torch differ by {difference}, but may by {_TOLERANCE}")
    return Exported(onnx=document, max_difference=difference)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's warnings about its own dependencies to itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy the model without notes on where it comes from: paths of the machine are among them."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    graph = bare.graph
    graph.ClearField("value_info")
    for part in (bare, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return bare
