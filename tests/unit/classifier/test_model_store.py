"""Versions of the model: workers follow the one that is named, and never one that can't serve."""

import shutil
from pathlib import Path

import msgspec
import pytest

from tunekin.errors import ModelError, SettingsError
from tunekin_classifier import manifest as manifests
from tunekin_classifier.adapters.model_store import FollowedModel, ModelStore
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.settings import DEFAULT_MODEL

SHIPPED = OnnxMoodModel(DEFAULT_MODEL).manifest.version


class Clock:
    """A clock that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def model(folder: Path, version: str, **changes: object) -> Path:
    """Make a model of another version."""
    copy = Path(shutil.copytree(DEFAULT_MODEL, folder / f"trained {version}"))
    manifest = manifests.parse((copy / "manifest.json").read_bytes())
    changed = msgspec.structs.replace(manifest, version=version, **changes)
    (copy / "manifest.json").write_bytes(manifests.write(changed))
    return copy


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def in_use(followed: FollowedModel) -> str:
    return followed.latest().manifest.version


def test_a_folder_that_names_no_version_stands_for_the_shipped_model(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        assert in_use(FollowedModel(folder)) == SHIPPED


def test_a_model_folder_stays_what_it_is(tmp_path: Path, clock: Clock) -> None:
    folder = model(tmp_path, "m1")
    followed = FollowedModel(folder, clock=clock)
    (folder / "current").write_text("m2")
    clock.now_s = 9
    assert in_use(followed) == "m1"


def test_a_version_that_is_named_is_switched_to_within_a_second(
    tmp_path: Path, store: ModelStore, clock: Clock
) -> None:
    followed = FollowedModel(tmp_path / "models", clock=clock)
    assert store.install(model(tmp_path, "m1")).version == "m1"
    assert in_use(followed) == SHIPPED
    store.use("m1")
    clock.now_s = 0.5
    assert in_use(followed) == SHIPPED
    clock.now_s = 1.5
    assert in_use(followed) == "m1"
    assert in_use(FollowedModel(tmp_path / "models")) == "m1"


def test_an_upcoming_version_judges_tracks_before_it_judges_clips(
    tmp_path: Path, store: ModelStore, clock: Clock
) -> None:
    clips = FollowedModel(tmp_path / "models", clock=clock)
    tracks = FollowedModel(tmp_path / "models", pointers=("upcoming", "current"), clock=clock)
    store.install(model(tmp_path, "m1"))
    store.announce("m1")
    clock.now_s = 2
    assert (in_use(clips), in_use(tracks)) == (SHIPPED, "m1")
    store.use("m1")
    clock.now_s = 4
    assert (in_use(clips), in_use(tracks)) == ("m1", "m1")
    assert (store.named("current"), store.named("upcoming")) == ("m1", None)


@pytest.mark.parametrize("named", ["absent", "../trained other", "other"])
def test_a_version_that_cannot_serve_is_not_switched_to(
    tmp_path: Path, store: ModelStore, clock: Clock, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    store.install(model(tmp_path, "m1"))
    store.use("m1")
    followed = FollowedModel(tmp_path / "models", clock=clock)
    shutil.copytree(model(tmp_path, "other", feature_version="f0"), tmp_path / "models" / "other")
    store.use(named)
    clock.now_s = 2
    assert in_use(followed) == "m1"
    assert capsys.readouterr().out.count("model.refused") == 1
    clock.now_s = 4
    assert in_use(followed) == "m1"
    # Told once, not every second.
    assert "model.refused" not in capsys.readouterr().out
    store.use("m1")
    clock.now_s = 6
    assert in_use(followed) == "m1"


def test_a_version_that_cannot_serve_stops_the_start(tmp_path: Path, store: ModelStore) -> None:
    store.install(model(tmp_path, "m1"))
    store.use("gone")
    with pytest.raises(ModelError, match="there is no model in"):
        FollowedModel(tmp_path / "models")


def test_what_cannot_serve_is_not_installed(tmp_path: Path, store: ModelStore) -> None:
    with pytest.raises(ModelError, match="feature version 'f0'"):
        store.install(model(tmp_path, "m1", feature_version="f0"))
    assert not (tmp_path / "models").exists()


def test_a_model_is_no_folder_of_models(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a folder of models"):
        ModelStore(model(tmp_path, "m1")).install(model(tmp_path, "m2"))


def test_installing_again_changes_nothing(tmp_path: Path, store: ModelStore) -> None:
    source = model(tmp_path, "m1")
    store.install(source)
    (tmp_path / "models" / "m1" / "README.md").write_text("read")
    store.install(source)
    assert (tmp_path / "models" / "m1" / "README.md").read_text() == "read"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["m1"]
