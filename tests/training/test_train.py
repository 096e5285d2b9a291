"""The whole run: from music, or a catalogue, to a folder that the classifier can serve from."""

import sys

import msgspec
import numpy as np
import pytest
import soundfile

from tests.unit.training.corpora import changed, corpus, emotional
from tunekin.catalogue.database import migrate, open_engine
from tunekin.catalogue.records import Entry
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.errors import InputError
from tunekin.features import FEATURES, frames_to_bytes
from tunekin.messages import Track
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_cli.__main__ import main
from tunekin_training.label import LabelFile, parse
from tunekin_training.report import Report
from tunekin_training.steps import Steps
from tunekin_training.train import train

MUSIC = emotional(corpus())
# Whole trainings, two of them in one test; beside other work that takes minutes.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """What was computed for one test serves the others."""
    return Steps(tmp_path_factory.mktemp("steps"))


@pytest.fixture(scope="module")
def trained(steps):
    return train(MUSIC, clusters=None, seed=0, labels=LabelFile(), steps=steps)


def test_moods_that_are_there_are_found_and_recognised(trained):
    report = trained.report
    assert report.elbow == len(report.moods) == 3
    for name in ("ari_seeds", "ari_without_maps", "dnn_accuracy", "dnn_macro_f1", "xgboost_accuracy"):
        assert report.metrics[name] == 1
    assert report.metrics["clip_mood_agreement_clean"] == report.metrics["clip_accuracy_phone15"] == 1
    assert report.metrics["largest_share"] == pytest.approx(1 / 3)
    assert [(mood.tracks, mood.recall) for mood in report.moods] == [(30, 1.0)] * 3
    assert [mood.largest_artist for mood in report.moods] == [pytest.approx(1 / 30)] * 3
    assert len(report.places) == 90
    assert [len(report.curves), len(report.stability)] == [5, 4]


def test_moods_that_are_felt_correlate_with_feelings_of_tracks_by_artists_never_heard(trained):
    metrics = trained.report.metrics
    assert metrics["mood_emotion_correlation_low"] > 0.9
    assert abs(metrics["mood_emotion_correlation_random"]) < 0.1
    assert trained.report.lens_felt > 0
    assert trained.report.felt_tracks == 90


def test_moods_that_chance_made_are_neither_recognised_nor_felt(steps):
    chance = np.random.default_rng(0)
    summaries = chance.normal(size=(90, FEATURES.summary_size)).astype(np.float32)
    cuts, emotions = chance.permutation(MUSIC.cuts), chance.permutation(MUSIC.emotions)
    noise = changed(MUSIC, summaries=summaries, cuts=cuts, emotions=emotions)
    metrics = train(noise, clusters=6, seed=0, labels=LabelFile(), steps=steps).report.metrics
    # Held-out artists seen by the lens alone would make 0.7 of it, a sixth to a quarter is chance.
    assert metrics["dnn_accuracy"] < 0.4
    # Cuts that have nothing to do with their tracks.
    assert metrics["clip_accuracy_clean"] < 0.4
    assert metrics["mood_emotion_correlation_low"] < 0.2


def test_the_same_music_and_seed_give_the_same_model_and_report_with_or_without_what_was_kept(trained, steps):
    for where in (steps, Steps()):
        again = train(MUSIC, clusters=None, seed=0, labels=LabelFile(), steps=where)
        assert again.onnx == trained.onnx
        assert again.report == trained.report


def test_moods_are_numbered_from_the_least_percussive(trained):
    shares = [mood.words.where["percussive_share"] for mood in trained.report.moods]
    assert shares == sorted(shares)


def test_too_little_music_is_refused_before_any_work():
    with pytest.raises(InputError, match="90 tracks for 19 groups"):
        train(MUSIC, clusters=19, seed=0, labels=LabelFile(), steps=Steps())
    same_artist = changed(MUSIC, artists=("she",) * 90)
    with pytest.raises(InputError, match="by 1 artists"):
        train(same_artist, clusters=3, seed=0, labels=LabelFile(), steps=Steps())


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


@pytest.fixture
def tunekin(tmp_path, monkeypatch, capsys):
    """The command, with a home of its own."""
    monkeypatch.setenv("TUNEKIN_WORKERS", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tunekin", "--home", str(tmp_path / "home"), "train", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            return stop.code or 0, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return run


def only_model(folder):
    (model,) = (path for path in folder.iterdir() if not path.name.startswith("."))
    return model


def test_a_folder_of_music_becomes_a_model_that_the_classifier_takes(songs, tmp_path, tunekin):
    (songs / "broken.ogg").write_bytes(b"OggS")
    code, out, _ = tunekin("--music", songs, "--clusters", "2", "--seed", "3", "--out", tmp_path / "models")
    assert code == 0
    assert "left out" in out
    assert "dnn_accuracy" in out
    folder = only_model(tmp_path / "models")
    assert str(folder / "report" / "index.html") in out
    model = OnnxMoodModel(folder)
    assert len(model.manifest.moods) == 2
    assert model.manifest.version == folder.name
    assert model.manifest.version.startswith(f"moods2-{FEATURES.name}-")
    report = msgspec.json.decode((folder / "report" / "report.json").read_bytes(), type=Report)
    assert report.metrics == model.manifest.metrics
    assert (report.tracks, report.artists, report.cuts_per_track) == (10, 5, 20)
    # Drums are the more percussive, so the second mood.
    assert {name.partition("/")[0] for name in report.moods[1].typical} == {f"artist {i}" for i in range(5)}
    assert all(int(name.rpartition("/")[2][0]) % 2 for name in report.moods[1].typical)
    card = (folder / "README.md").read_text()
    assert model.manifest.version in card
    assert "tunekin train --music MUSIC --clusters 2 --seed 3 --out MODELS" in card
    page = (folder / "report" / "index.html").read_text()
    assert model.manifest.version in page
    assert (folder / "report" / "elbow.png").read_bytes().startswith(b"\x89PNG")
    assert str(songs) not in card + page


def test_words_of_a_run_can_be_edited_and_given_to_the_next_one(tmp_path, catalogue, tunekin):
    arguments = ["--catalog", catalogue, "--clusters", "3", "--out", tmp_path / "models"]
    assert tunekin(*arguments)[0] == 0
    folder = only_model(tmp_path / "models")
    first = OnnxMoodModel(folder).manifest
    words = parse((folder / "report" / "labels.toml").read_bytes())
    edited = tmp_path / "words.toml"
    text = (folder / "report" / "labels.toml").read_text()
    edited.write_text(text.replace(words.mood[1].label.ko, "엉덩이가 먼저 반응하게 되는 노래 모음"))
    assert tunekin(*arguments, "--labels", edited)[0] == 0
    # Other words are no other model.
    second = OnnxMoodModel(only_model(tmp_path / "models")).manifest
    assert second.version == first.version
    assert second.moods[1].label.ko == "엉덩이가 먼저 반응하게 되는 노래 모음"
    assert (second.moods[0], second.moods[2]) == (first.moods[0], first.moods[2])
    assert "--labels words.toml" in (folder / "README.md").read_text()


@pytest.fixture
def catalogue(tmp_path):
    return catalogue_of(MUSIC.summaries.tolist(), tmp_path)


def catalogue_of(summaries, folder):
    """The music's tracks in a catalogue."""
    url = f"sqlite:///{folder}/catalogue.db"
    engine = open_engine(url)
    migrate(engine)
    frames = frames_to_bytes(np.zeros((1, FEATURES.n_mfcc), np.float16))
    CatalogueWriter(engine, clock=lambda: 0.0).upsert(
        [
            Entry(
                track=Track(track_id=name, artist=artist, title=f"{name} of hers", album="A"),
                feature_version=FEATURES.name,
                frames=frames,
                summary=summary,
                model_version="m0",
                probabilities=(),
            )
            for name, artist, summary in zip(MUSIC.names, MUSIC.artists, summaries, strict=True)
        ]
    )
    engine.dispose()
    return url


@pytest.mark.parametrize("count", [1, 90])
def test_tracks_heard_when_summaries_had_fewer_numbers_are_told_with_what_to_do(tmp_path, tunekin, count):
    summaries = [summary[:75] if i < count else summary for i, summary in enumerate(MUSIC.summaries.tolist())]
    code, _, error = tunekin("--catalog", catalogue_of(summaries, tmp_path), "--out", tmp_path / "models")
    assert code == 2
    said = " ".join(error.split())
    assert f"{count} of 90 tracks, such as 'track 0', were heard by an earlier version" in said
    assert "lack some of the 557 numbers that 'f2' has today" in said
    assert "hear them again by `tunekin catalog add`" in said


def test_a_catalogue_is_learnt_from_without_cuts(tmp_path, catalogue, tunekin):
    assert tunekin("--catalog", catalogue, "--out", tmp_path / "models")[0] == 0
    folder = only_model(tmp_path / "models")
    metrics = OnnxMoodModel(folder).manifest.metrics
    assert metrics["dnn_accuracy"] == 1
    assert not any(name.startswith(("clip_", "mood_emotion")) for name in metrics)
    card = (folder / "README.md").read_text()
    assert "--catalog URL --clusters auto" in card
    assert "random cuts" not in card
    report = msgspec.json.decode((folder / "report" / "report.json").read_bytes(), type=Report)
    assert len(report.moods) == 3
    assert report.places[0].name == "artist 0 - track 0 of hers"
    assert report.moods[0].largest_album == pytest.approx(1 / 30)


def test_a_home_without_songs_has_nothing_to_learn_from(tmp_path, tunekin):
    code, _, error = tunekin("--out", tmp_path / "models")
    assert code != 0
    assert "Traceback" not in error


def test_a_labels_file_that_is_missing_is_no_obstacle_but_told(tmp_path, catalogue, tunekin):
    arguments = ["--catalog", catalogue, "--clusters", "3", "--labels", tmp_path / "absent.toml"]
    code, out, _ = tunekin(*arguments, "--out", tmp_path / "models")
    assert code == 0
    assert "there is no" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--music", "{tmp}/absent"], "can't be read"),
        (["--music", "{tmp}"], "there is no music"),
        (["--catalog", "mongodb://x"], "catalogue's URL"),
        (["--music", "{tmp}", "--labels", "{tmp}"], "can't be read"),
        (["--music", "{tmp}", "--catalog", "sqlite:///x"], "both"),
        (["--clusters", "many"], "--clusters is 'many'"),
        (["--clusters", "1", "--music", "{tmp}"], "no music"),
    ],
)
def test_what_cannot_work_is_said_in_two_lines(tmp_path, tunekin, arguments, message):
    (tmp_path / "home").mkdir()
    code, _, error = tunekin(*(text.format(tmp=tmp_path) for text in arguments), "--out", tmp_path / "models")
    assert code in {1, 2}
    assert message in " ".join(error.split())
    assert "Traceback" not in error


def test_music_of_which_nothing_can_be_heard_is_refused(tmp_path, tunekin):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    code, _, error = tunekin("--music", tmp_path, "--out", tmp_path / "models")
    assert code != 0
    assert "none of the 1 files" in " ".join(error.split())
