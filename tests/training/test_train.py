"""The whole run: from music, or a catalogue, to a folder that the classifier can serve from."""

import msgspec
import numpy as np
import pytest
import soundfile

from tests.unit.training.corpora import corpus
from tunekin.catalogue.database import migrate, open_engine
from tunekin.catalogue.records import Entry
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.errors import InputError
from tunekin.features import FEATURES, frames_to_bytes
from tunekin.messages import Track
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_training.__main__ import main
from tunekin_training.label import LabelFile, parse
from tunekin_training.report import Report
from tunekin_training.train import train

MUSIC = corpus()


@pytest.fixture(scope="module")
def trained():
    return train(MUSIC, clusters=3, seed=0, labels=LabelFile())


def test_moods_that_are_there_are_found_and_recognised(trained):
    metrics = trained.report.metrics
    assert metrics["ari_seeds"] == metrics["dnn_accuracy"] == metrics["dnn_macro_f1"] == 1
    assert metrics["clip_mood_agreement_clean"] == metrics["clip_accuracy_noise20"] == 1
    assert metrics["largest_share"] == pytest.approx(1 / 3)
    assert [(mood.tracks, mood.recall) for mood in trained.report.moods] == [(30, 1.0)] * 3


def test_moods_that_chance_made_are_not_recognised():
    chance = np.random.default_rng(0)
    noise = changed(MUSIC, summaries=chance.normal(size=(90, 75)).astype(np.float32))
    metrics = train(noise, clusters=6, seed=0, labels=LabelFile()).report.metrics
    assert metrics["dnn_accuracy"] < 0.8
    # Cuts that have nothing to do with their tracks.
    assert metrics["clip_accuracy_clean"] < 0.4


def changed(music, **changes):
    return type(music)(**{name: getattr(music, name) for name in music.__dataclass_fields__} | changes)


def test_the_same_music_and_seed_give_the_same_model_and_report(trained):
    again = train(MUSIC, clusters=3, seed=0, labels=LabelFile())
    assert again.onnx == trained.onnx
    assert again.report == trained.report


def test_moods_are_numbered_from_the_least_percussive(trained):
    shares = [mood.words.where["percussive_share"] for mood in trained.report.moods]
    assert shares == sorted(shares)


def test_too_little_music_is_refused():
    with pytest.raises(InputError, match="90 tracks for 19 groups"):
        train(MUSIC, clusters=19, seed=0, labels=LabelFile())
    same_artist = changed(MUSIC, artists=("she",) * 90)
    with pytest.raises(InputError, match="by 1 artists"):
        train(same_artist, clusters=3, seed=0, labels=LabelFile())


# --- the command ---


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Ten tracks by five artists: drums, and organs in any key."""
    folder = tmp_path_factory.mktemp("songs")
    chance = np.random.default_rng(0)
    t = np.arange(FEATURES.sample_rate_hz * 7) / FEATURES.sample_rate_hz
    for i in range(10):
        if i % 2:
            y = chance.normal(0, 0.2, len(t)) * np.exp(-20 * (t % 0.5))
        else:
            harmonics = np.array([[1], [2], [3], [5]])
            y = 0.1 * np.sin(2 * np.pi * 220 * 2 ** (i / 12) * harmonics * t).sum(axis=0)
        path = folder / f"artist {i // 2}" / f"{i}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, y, FEATURES.sample_rate_hz)
    return folder


def test_a_folder_of_music_becomes_a_model_that_the_classifier_takes(songs, tmp_path, capsys):
    (songs / "broken.ogg").write_bytes(b"OggS")
    arguments = ["--music", str(songs), "--clusters", "2", "--workers", "1", "--seed", "3"]
    assert main([*arguments, "--out", str(tmp_path / "model"), "--report", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr()
    assert "left out" in printed.err
    assert "dnn_accuracy" in printed.out
    model = OnnxMoodModel(tmp_path / "model")
    assert len(model.manifest.moods) == 2
    assert model.manifest.version.startswith("moods2-f1-")
    report = msgspec.json.decode((tmp_path / "report" / "report.json").read_bytes(), type=Report)
    assert report.metrics == model.manifest.metrics
    assert (report.tracks, report.artists, report.cuts_per_track) == (10, 5, 8)
    # Drums are the more percussive, so the second mood.
    assert {name.partition("/")[0] for name in report.moods[1].typical} == {f"artist {i}" for i in range(5)}
    assert all(int(name.rpartition("/")[2][0]) % 2 for name in report.moods[1].typical)
    card = (tmp_path / "model" / "README.md").read_text()
    assert model.manifest.version in card
    assert "python -m tunekin_training --music MUSIC --clusters 2 --seed 3 --out MODEL" in card
    assert str(songs) not in card


def test_words_of_a_run_can_be_edited_and_given_to_the_next_one(tmp_path, catalogue):
    arguments = ["--catalogue", catalogue, "--clusters", "3"]
    assert main([*arguments, "--out", str(tmp_path / "first")]) == 0
    words = parse((tmp_path / "first" / "labels.toml").read_bytes())
    edited = tmp_path / "words.toml"
    text = (tmp_path / "first" / "labels.toml").read_text()
    edited.write_text(text.replace(words.mood[1].label.ko, "엉덩이가 먼저 반응하게 되는 노래 모음"))
    assert main([*arguments, "--labels", str(edited), "--out", str(tmp_path / "second")]) == 0
    first, second = (OnnxMoodModel(tmp_path / name).manifest for name in ("first", "second"))
    assert second.moods[1].label.ko == "엉덩이가 먼저 반응하게 되는 노래 모음"
    assert (second.moods[0], second.moods[2]) == (first.moods[0], first.moods[2])
    # Other words are no other model.
    assert second.version == first.version
    assert "--labels words.toml" in (tmp_path / "second" / "README.md").read_text()


@pytest.fixture
def catalogue(tmp_path):
    url = f"sqlite:///{tmp_path}/catalogue.db"
    engine = open_engine(url)
    migrate(engine)
    frames = frames_to_bytes(np.zeros((1, FEATURES.n_mfcc), np.float16))
    CatalogueWriter(engine, clock=lambda: 0.0).upsert_many(
        [
            Entry(
                track=Track(track_id=name, artist=artist),
                feature_version=FEATURES.name,
                frames=frames,
                summary=summary.tolist(),
                model_version="m0",
                probabilities=(),
            )
            for name, artist, summary in zip(MUSIC.names, MUSIC.artists, MUSIC.summaries, strict=True)
        ]
    )
    engine.dispose()
    return url


def test_a_catalogue_is_learnt_from_without_cuts(tmp_path, catalogue):
    assert main(["--catalogue", catalogue, "--clusters", "3", "--out", str(tmp_path / "model")]) == 0
    metrics = OnnxMoodModel(tmp_path / "model").manifest.metrics
    assert metrics["dnn_accuracy"] == 1
    assert not any(name.startswith("clip_") for name in metrics)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "--catalogue URL" in card
    assert "6 s cuts of each" not in card


def test_a_labels_file_that_is_missing_is_no_obstacle_but_told(tmp_path, catalogue, capsys):
    arguments = ["--catalogue", catalogue, "--clusters", "3", "--labels", str(tmp_path / "absent.toml")]
    assert main([*arguments, "--out", str(tmp_path / "model")]) == 0
    assert "there is no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--music", "{tmp}/absent"], "can't be read"),
        (["--music", "{tmp}"], "there is no music"),
        (["--catalogue", "mongodb://x"], "catalogue's URL"),
        (["--music", "{tmp}", "--labels", "{tmp}"], "can't be read"),
    ],
)
def test_what_cannot_work_is_said_in_a_line(tmp_path, capsys, arguments, message):
    assert main([*(text.format(tmp=tmp_path) for text in arguments), "--out", str(tmp_path / "model")]) == 2
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert "Traceback" not in error


def test_music_of_which_nothing_can_be_heard_is_refused(tmp_path, capsys):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    assert main(["--music", str(tmp_path), "--workers", "1", "--out", str(tmp_path / "model")]) == 2
    assert "none of the 1 files" in " ".join(capsys.readouterr().err.split())
