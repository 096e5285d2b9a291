"""A mood model's manifest: what it was trained for, and its moods in words.

A model is a folder with two files: ``model.onnx`` maps summaries ``[n, summary_size]`` to mood probabilities
``[n, moods]``; ``manifest.json`` says the rest. No I/O here; `tunekin_classifier.adapters.onnx_model` reads the folder.
"""

import hashlib

import msgspec

from tunekin.errors import ModelError
from tunekin.features import FeatureVersion
from tunekin.messages import Label

__all__ = ["Manifest", "Mood", "check", "parse", "write"]


class Mood(msgspec.Struct, frozen=True, kw_only=True):
    """A mood: one of the clusters that training found.

    Attributes
    ----------
    id : int
        Its number, the place of its probability in the model's output.
    label : Label
        A few words for it.
    description : Label
        A sentence about it.
    """

    id: int
    label: Label
    description: Label


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a model folder holds.

    Attributes
    ----------
    version : str
        Name of the model; answers and the catalogue carry it.
    feature_version : str
        Feature version whose summaries it takes.
    summary_names : tuple of str
        Its inputs, in order.
    onnx_sha256 : str
        Hash of ``model.onnx``.
    moods : tuple of Mood
        In the order of the outputs.
    metrics : dict of str to float
        What training measured, see the model card.
    """

    version: str
    feature_version: str
    summary_names: tuple[str, ...]
    onnx_sha256: str
    moods: tuple[Mood, ...]
    metrics: dict[str, float] = {}


def parse(document: bytes) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    document : bytes
        Contents of ``manifest.json``.

    Returns
    -------
    Manifest
        What it says.

    Raises
    ------
    ModelError
        It is not a manifest.
    """
    try:
        return msgspec.json.decode(document, type=Manifest)
    except msgspec.DecodeError as error:
        msg = f"manifest.json is not a model's manifest: {error}"
        raise ModelError(msg, hint="train the model again, or restore the folder") from error


def write(manifest: Manifest) -> bytes:
    """Write a manifest.

    Parameters
    ----------
    manifest : Manifest
        What to say.

    Returns
    -------
    bytes
        Contents of ``manifest.json``.
    """
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def check(manifest: Manifest, *, onnx: bytes, version: FeatureVersion) -> None:
    """Refuse a model that can't serve this feature version.

    Parameters
    ----------
    manifest : Manifest
        What the folder says.
    onnx : bytes
        Contents of ``model.onnx``.
    version : FeatureVersion
        What the featurizer makes.

    Raises
    ------
    ModelError
        Made for other features, damaged, or its moods are not numbered 0 and up.
    """
    if manifest.feature_version != version.name or manifest.summary_names != version.summary_names:
        msg = (
            f"the model {manifest.version!r} takes summaries of feature version {manifest.feature_version!r}, "
            f"this worker makes {version.name!r}"
        )
        raise ModelError(msg, hint="use a model that was trained on this feature version")
    if manifest.onnx_sha256 != hashlib.sha256(onnx).hexdigest():
        msg = f"model.onnx of {manifest.version!r} does not have the hash that its manifest says"
        raise ModelError(msg, hint="the folder is damaged or was edited; restore it")
    if [mood.id for mood in manifest.moods] != list(range(len(manifest.moods))) or not manifest.moods:
        msg = f"the moods of {manifest.version!r} are numbered {[mood.id for mood in manifest.moods]}"
        raise ModelError(msg, hint="number them from 0, without a gap")
