"""A new model: the catalogue is brought to it through the tracks' lane, and answers name one model only."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.component.embedded.sounds import write_wav
from tunekin.catalogue.records import Entry
from tunekin.errors import SettingsError
from tunekin.features import FEATURES
from tunekin.messages import ClipOptions
from tunekin_classifier import manifest as manifests
from tunekin_classifier.settings import DEFAULT_MODEL, ClassifierSettings
from tunekin_cli import reclassify
from tunekin_cli.context import Context
from tunekin_embedded.clip_lane import ClipLane
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find
from tunekin_embedded.track_lane import load

RATE = FEATURES.sample_rate_hz


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for i in range(3):
        chance = np.random.default_rng(i)
        write_wav(0.1 * chance.standard_normal(8 * RATE), folder / f"Artist {i} - Song {i}.wav")
    return folder


@pytest.fixture
def context(tmp_path: Path, music: Path) -> Context:
    """A home with three songs that the shipped model has judged."""
    context = Context(folder=tmp_path / "home", settings=EmbeddedSettings.read())
    with Parts(context.home, settings=context.settings) as parts:
        assert [outcome.status for outcome in load(parts, find(music))] == ["added"] * 3
    return context


def renamed(folder: Path, version: str) -> Path:
    """Make another model: the shipped one under another name, with other words."""
    copy = Path(shutil.copytree(DEFAULT_MODEL, folder))
    manifest = manifests.parse((copy / "manifest.json").read_bytes())
    moods = tuple(
        msgspec.structs.replace(mood, label=msgspec.structs.replace(mood.label, en=f"new {mood.id}"))
        for mood in manifest.moods
    )
    (copy / "manifest.json").write_bytes(
        manifests.write(msgspec.structs.replace(manifest, version=version, moods=moods))
    )
    return copy


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return renamed(tmp_path / "trained", "m2")


def test_every_song_gets_a_mood_of_the_new_model_which_answers_then_name(
    context: Context, trained: Path, music: Path
) -> None:
    assert reclassify.run(context, trained) == 0
    with Parts(context.home, settings=context.settings) as parts:
        assert parts.model_version == "m2"
        assert parts.reader.model_versions()["m2"] == 3
        assert sum(mood.tracks for mood in parts.reader.moods("m2")) == 3
        lane = ClipLane(parts)
        sound = next(music.glob("*.wav")).read_bytes()
        answer = lane.answer(sound, options=ClipOptions(scope="mood"))
        lane.close()
    assert answer.versions is not None
    assert answer.versions.model == "m2"
    assert answer.mood is not None
    assert answer.mood.label.en.startswith("new ")


def test_the_moods_of_the_model_before_stay(context: Context, trained: Path) -> None:
    with Parts(context.home, settings=context.settings) as parts:
        before = parts.model_version
        judged = parts.reader.probabilities(before)
    reclassify.run(context, trained)
    with Parts(context.home, settings=context.settings) as parts:
        after = parts.reader.probabilities(before)
    assert {name: row.tolist() for name, row in after.items()} == {name: row.tolist() for name, row in judged.items()}


def test_the_moods_of_models_before_that_are_forgotten(context: Context, trained: Path, tmp_path: Path) -> None:
    with Parts(context.home, settings=context.settings) as parts:
        shipped = parts.model_version
    reclassify.run(context, trained)
    reclassify.run(context, renamed(tmp_path / "newest", "m3"))
    with Parts(context.home, settings=context.settings) as parts:
        assert dict(parts.reader.model_versions()) == {"m2": 3, "m3": 3}
    # Again it forgets nothing, and back is a step like any other.
    reclassify.run(context, None)
    reclassify.run(context, trained)
    with Parts(context.home, settings=context.settings) as parts:
        assert dict(parts.reader.model_versions()) == {"m2": 3, "m3": 3}
        assert parts.model_version == "m2" != shipped


def test_what_was_interrupted_is_taken_up_and_again_changes_nothing(
    context: Context, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Parts(context.home, settings=context.settings) as parts:
        parts.store.install(trained)
        parts.store.use("m2")
        version = parts.reader.version()
    assert reclassify.run(context, None) == 0
    assert "3 updated" in capsys.readouterr().err
    with Parts(context.home, settings=context.settings) as parts:
        changed = parts.reader.version()
        assert changed > version
    assert reclassify.run(context, trained) == 0
    with Parts(context.home, settings=context.settings) as parts:
        assert parts.reader.version() == changed


def test_a_song_heard_when_summaries_had_fewer_numbers_is_told_and_judged_once_it_is_heard_again(
    context: Context, trained: Path, music: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Parts(context.home, settings=context.settings) as parts:
        shipped = parts.model_version
        (stored,) = parts.reader.stored(track_ids(parts)[:1], feature_version=FEATURES.name)
        short = Entry(
            track=stored.track,
            feature_version=FEATURES.name,
            frames=stored.frames,
            summary=stored.summary[:75],
            views=stored.views,
            model_version=shipped,
            probabilities=(1.0,),
        )
        parts.writer.upsert([short])
    assert reclassify.run(context, trained) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "a summary of 75 numbers; the model takes 557" in said
    assert "`tunekin catalog add` hears its file again" in said
    with Parts(context.home, settings=context.settings) as parts:
        assert parts.model_version == shipped
        assert sorted(outcome.status for outcome in load(parts, find(music))) == ["unchanged", "unchanged", "updated"]
    assert reclassify.run(context, trained) == 0
    with Parts(context.home, settings=context.settings) as parts:
        assert parts.reader.model_versions()["m2"] == 3


def track_ids(parts: Parts) -> list[str]:
    return [source.track_id for source in parts.reader.sources()]


def test_a_model_that_the_settings_fix_is_not_replaced(context: Context, trained: Path) -> None:
    fixed = Context(
        folder=context.folder,
        settings=EmbeddedSettings(
            program=context.settings.program,
            ingest=context.settings.ingest,
            classifier=ClassifierSettings(model=trained),
            ranker=context.settings.ranker,
        ),
    )
    with pytest.raises(SettingsError, match="not a folder of models"):
        reclassify.run(fixed, trained)
    # But the catalogue can be brought to it.
    assert reclassify.run(fixed, None) == 0
    with Parts(context.home, settings=fixed.settings) as parts:
        assert parts.reader.model_versions()["m2"] == 3
