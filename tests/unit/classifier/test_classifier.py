"""The classifier: a model folder that can't serve is refused, one that can gives every message its moods."""

import hashlib
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tunekin.errors import MessageError, ModelError
from tunekin.features import FEATURES
from tunekin.messages import ClipSubject, Features
from tunekin_classifier import manifest as manifests
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.service import service
from tunekin_classifier.settings import DEFAULT_MODEL


@pytest.fixture(scope="module")
def model() -> OnnxMoodModel:
    return OnnxMoodModel(DEFAULT_MODEL)


def features(**changes: object) -> Features:
    message = Features(
        subject=ClipSubject(clip_id="a#b", key="b"),
        feature_version=FEATURES.name,
        frames=b"\x00\x3c" * FEATURES.n_mfcc,
        summary=(0.5,) * FEATURES.summary_size,
    )
    return msgspec.structs.replace(message, **changes)


def test_the_shipped_model_knows_ten_moods_with_words_in_two_languages(model: OnnxMoodModel) -> None:
    moods = model.manifest.moods
    assert [mood.id for mood in moods] == list(range(10))
    for language in ("ko", "en"):
        labels = [getattr(mood.label, language) for mood in moods]
        assert len(set(labels)) == 10
        assert all(labels)
        assert all(getattr(mood.description, language) for mood in moods)


def test_the_shipped_model_is_small() -> None:
    assert (DEFAULT_MODEL / "model.onnx").stat().st_size < 1_000_000


def test_probabilities_are_probabilities(model: OnnxMoodModel) -> None:
    summaries = np.random.default_rng(1).normal(0, 100, (50, FEATURES.summary_size)).astype(np.float32)
    probabilities = model.probabilities(summaries)
    assert probabilities.shape == (50, 10)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_row_gets_the_same_moods_alone_and_among_others(model: OnnxMoodModel) -> None:
    summaries = np.random.default_rng(2).normal(0, 1, (20, FEATURES.summary_size)).astype(np.float32)
    together = model.probabilities(summaries)
    alone = np.concatenate([model.probabilities(row[np.newaxis]) for row in summaries])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_message_gets_its_moods_and_keeps_the_rest(model: OnnxMoodModel) -> None:
    message = features()
    (classified,) = service(lambda: model, topics=("clips.features",)).handle(message)
    assert classified.subject == message.subject
    assert classified.frames == message.frames
    assert classified.model_version == model.manifest.version
    assert sum(classified.probabilities) == pytest.approx(1, abs=1e-5)


def test_features_of_another_version_are_refused(model: OnnxMoodModel) -> None:
    with pytest.raises(MessageError, match="features of version 'other'"):
        list(service(lambda: model, topics=("clips.features",)).handle(features(feature_version="other")))


def test_a_summary_that_lacks_numbers_is_refused_with_what_to_do(model: OnnxMoodModel) -> None:
    with pytest.raises(MessageError, match="a summary of 75 numbers; the model takes 557") as raised:
        list(service(lambda: model, topics=("tracks.features",)).handle(features(summary=(0.5,) * 75)))
    assert "`tunekin catalog add` hears its file again" in raised.value.hint


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model in"):
        OnnxMoodModel(tmp_path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))


def test_a_damaged_model_is_refused(copy: Path) -> None:
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(ModelError, match="does not have the hash"):
        OnnxMoodModel(copy)


def test_a_manifest_that_is_none_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text("{}")
    with pytest.raises(ModelError, match="not a model's manifest"):
        OnnxMoodModel(copy)


def test_a_model_for_other_features_is_refused(copy: Path) -> None:
    manifest = manifests.parse((copy / "manifest.json").read_bytes())
    (copy / "manifest.json").write_bytes(manifests.write(msgspec.structs.replace(manifest, feature_version="f0")))
    with pytest.raises(ModelError, match="feature version 'f0'"):
        OnnxMoodModel(copy)


def test_moods_with_a_gap_in_their_numbers_are_refused() -> None:
    onnx = b"x"
    manifest = manifests.parse((DEFAULT_MODEL / "manifest.json").read_bytes())
    gap = msgspec.structs.replace(manifest, moods=manifest.moods[1:], onnx_sha256=hashlib.sha256(onnx).hexdigest())
    with pytest.raises(ModelError, match="number"):
        manifests.check(gap, onnx=onnx, version=FEATURES)
