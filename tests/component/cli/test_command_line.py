"""The command line as people use it: results on standard output, errors in two plain lines, exit codes."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.component.embedded.sounds import write_wav
from tunekin.features import FEATURES
from tunekin_cli.__main__ import main
from tunekin_demo import bad_microphone
from tunekin_demo.compose import Piece, catalogue, render, write_catalogue

RATE = FEATURES.sample_rate_hz


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Tunekin = Callable[..., Run]


@pytest.fixture
def tunekin(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Tunekin:
    """The command, run in this process over the loaded catalogue."""

    def run(*arguments: str | Path, home: Path = home) -> Run:
        monkeypatch.setattr(sys, "argv", ["tunekin", "--home", str(home), *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        out, err = capfd.readouterr()
        return Run(code, out, err)

    return run


@pytest.fixture(scope="module")
def pieces() -> list[Piece]:
    return list({piece.artist: piece for piece in catalogue()}.values())[:7]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory, pieces: list[Piece]) -> Path:
    folder = tmp_path_factory.mktemp("my music")
    assert list(write_catalogue(folder, pieces=pieces))
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, music: Path) -> Path:
    """A home whose catalogue was loaded by the command itself, in a process of its own."""
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [sys.executable, "-m", "tunekin_cli", "--home", home, "catalog", "add", music],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "7 added" in done.stderr
    assert done.stdout == ""
    return home


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, pieces: list[Piece]) -> Path:
    heard = bad_microphone.cut(render(pieces[3]), start_s=10.0, duration_s=6.0, sample_rate_hz=RATE)
    noisy = bad_microphone.gain(bad_microphone.add_noise(heard, snr_db=20.0), gain_db=-12.0)
    path = tmp_path_factory.mktemp("recordings") / "recorded.ogg"
    path.write_bytes(bad_microphone.encode(noisy, sample_rate_hz=RATE, codec="opus", bitrate_bps=32_000))
    return path


def test_a_second_load_passes_over_what_is_there(tunekin: Tunekin, music: Path) -> None:
    again = tunekin("catalog", "add", music)
    assert again.code == 0
    assert "7 already there" in again.err


def test_the_list_shows_every_song(tunekin: Tunekin, pieces: list[Piece]) -> None:
    listed = tunekin("catalog", "list")
    assert all(piece.title in listed.out for piece in pieces)
    assert "7 songs" in listed.out
    assert {track["artist"] for track in tunekin("catalog", "list", "--json").document} == {
        piece.artist for piece in pieces
    }


def test_a_recording_gets_its_mood_and_songs_in_words(tunekin: Tunekin, recorded: Path, pieces: list[Piece]) -> None:
    answered = tunekin("similar", recorded)
    assert answered.code == 0
    assert answered.out.startswith("mood: ")
    assert f"this is {pieces[3].title} by {pieces[3].artist}, at 0:10" in answered.out
    assert "proven to be the best" in answered.out


def test_a_recording_gets_the_documented_json(tunekin: Tunekin, recorded: Path, pieces: list[Piece]) -> None:
    answer = tunekin("similar", recorded, "--json", "-k", "3").document
    assert answer["status"] == "answered"
    assert answer["identified"]["title"] == pieces[3].title
    assert len(answer["matches"]) == 3
    assert set(answer["matches"][0]) == {
        "track_id",
        "title",
        "artist",
        "album",
        "mood",
        "distance",
        "similarity",
        "clip_span_s",
        "track_span_s",
        "why",
    }
    assert set(answer["mood"]) == {"id", "label", "probability", "runner_up", "ambiguous"}


def test_a_recording_may_come_on_standard_input(
    tunekin: Tunekin, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(recorded.read_bytes())))
    assert tunekin("similar", "-", "--json").document["status"] == "answered"


def test_a_part_of_a_file_can_be_meant(tunekin: Tunekin, music: Path, pieces: list[Piece]) -> None:
    file = next(path for path in music.rglob("*.flac") if pieces[1].title in path.name)
    answer = tunekin("similar", file, "--start", "8", "--duration", "5", "--scope", "mood", "--json").document
    assert answer["search"]["scope"] == "mood"
    span = (answer["identified"] or answer["matches"][0])["clip_span_s"]
    assert span == pytest.approx([8.0, 13.0], abs=0.2)


def test_every_mood_has_words_in_two_languages(tunekin: Tunekin) -> None:
    moods = tunekin("moods", "--json").document
    assert sum(mood["tracks"] for mood in moods) == 7
    assert all(len(mood["typical"]) == min(mood["tracks"], 3) for mood in moods)
    shown = tunekin("moods").out
    assert all(mood["label"]["ko"] in shown and mood["label"]["en"] in shown for mood in moods)
    assert all(song["title"] in shown for mood in moods for song in mood["typical"])


def test_a_mood_is_found_by_number_and_by_part_of_its_label(tunekin: Tunekin) -> None:
    mood = max(tunekin("moods", "--json").document, key=lambda mood: mood["tracks"])
    by_number = tunekin("mood", str(mood["id"]), "--json").document
    assert len(by_number) == mood["tracks"]
    assert [song["probability"] for song in by_number] == sorted(
        (song["probability"] for song in by_number), reverse=True
    )
    for label in mood["label"].values():
        assert tunekin("mood", label.upper(), "--json").document == by_number


def problem(run: Run, *, code: int) -> str:
    """The error that a run ended with, on standard error alone and without a traceback."""
    assert run.code == code
    assert run.out == ""
    assert "Traceback" not in run.err
    return run.err


@pytest.fixture
def bad_files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "empty.mp3").write_bytes(b"")
    (tmp_path / "words.mp3").write_text("these are words\n" * 50)
    loud = 0.5 * np.sin(np.arange(RATE // 5) * 0.1)
    write_wav(loud, tmp_path / "short.wav")
    write_wav(np.zeros(RATE * 3), tmp_path / "silence.wav")
    return {path.stem: path for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "the file is empty"),
        ("words", "text"),
        ("short", "0.2"),
        ("silence", "dBFS"),
    ],
)
def test_a_recording_that_cannot_work_says_why_and_what_to_do(
    tunekin: Tunekin, bad_files: dict[str, Path], name: str, words: str
) -> None:
    error = problem(tunekin("similar", bad_files[name]), code=1)
    assert words in error
    assert "hint" in error
    failed = tunekin("similar", bad_files[name], "--json")
    assert failed.code == 1
    assert failed.document["status"] == "failed"


def test_a_load_reports_each_broken_file_and_keeps_the_rest(
    tunekin: Tunekin, bad_files: dict[str, Path], tmp_path: Path, music: Path
) -> None:
    song = next(music.rglob("*.flac"))
    done = tunekin("catalog", "add", *bad_files.values(), song, home=tmp_path / "home")
    assert done.code == 1
    assert "1 added, 4 failed" in done.err
    assert all(f"failed {path}" in done.err.replace("\n", "") for path in bad_files.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("similar", "nowhere.mp3"), "nowhere.mp3 can't be read"),
        (("similar", "."), "can't be read"),
        (("catalog", "add", "nowhere"), "there is no file or folder nowhere"),
        (("mood", "no such mood"), "no mood is called 'no such mood'"),
        (("mood", "99"), "no mood is called '99'"),
        (("similar", "x", "-k", "0"), "Invalid value for '-k'"),
        (("similar", "x", "--scope", "every"), "'every' is not one of"),
        (("similar", "x", "--duration", "0"), "--duration is 0"),
        (("similar", "x", "--loud"), "No such option"),
        (("dance",), "No such command"),
    ],
)
def test_a_wrong_use_says_what_would_be_right(tunekin: Tunekin, arguments: tuple[str, ...], words: str) -> None:
    assert words in " ".join(problem(tunekin(*arguments), code=2).split())


def test_a_wrong_setting_stops_the_start(tunekin: Tunekin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIN_WORKERS", "many")
    assert "TUNEKIN_WORKERS is 'many'" in problem(tunekin("moods"), code=1)
    monkeypatch.delenv("TUNEKIN_WORKERS")
    monkeypatch.setenv("TUNEKIN_WORKER", "2")
    assert "did you mean TUNEKIN_WORKERS?" in problem(tunekin("moods"), code=1)


def test_an_empty_catalogue_says_how_to_fill_it(tunekin: Tunekin, recorded: Path, tmp_path: Path) -> None:
    assert "tunekin catalog add" in problem(tunekin("similar", recorded, home=tmp_path / "new"), code=1)
    assert "tunekin catalog add" in tunekin("catalog", "list", home=tmp_path / "new").out


def test_a_home_that_cannot_be_written_is_said(tunekin: Tunekin, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "can't be written" in problem(tunekin("moods", home=tmp_path / "file"), code=1)


def test_the_version_and_help_need_no_home(tunekin: Tunekin, tmp_path: Path) -> None:
    assert tunekin("--version", home=tmp_path / "unmade").out.startswith("tunekin ")
    assert "similar" in tunekin("--help", home=tmp_path / "unmade").out
    assert not (tmp_path / "unmade").exists()


def test_songs_like_a_song_of_the_catalogue_need_no_recording(tunekin: Tunekin) -> None:
    song = tunekin("catalog", "list", "--json").document[0]
    answer = tunekin("similar", "--track", song["track_id"], "-k", "3", "--json").document
    assert answer["status"] == "answered"
    assert len(answer["matches"]) == 3
    assert song["track_id"] not in {match["track_id"] for match in answer["matches"]}


def test_a_song_is_found_by_a_misspelt_name_and_its_id_asks_for_similar_ones(
    tunekin: Tunekin, pieces: list[Piece]
) -> None:
    typed = f"{pieces[2].title[:-1]} {pieces[2].artist}"
    (first, *_) = tunekin("search", typed, "--json").document
    assert (first["title"], first["artist"]) == (pieces[2].title, pieces[2].artist)
    assert pieces[2].title in tunekin("search", typed).out
    assert tunekin("similar", "--track", first["track_id"]).code == 0
    assert "no song of the catalogue is called so" in tunekin("search", "qqqqzzzz").out


def test_songs_are_removed_by_id_by_place_and_by_name(tunekin: Tunekin, music: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = sorted(music.rglob("*.flac"))
    assert tunekin("catalog", "add", *files[:4], home=home).code == 0
    songs = tunekin("catalog", "list", "--json", home=home).document
    by_file = {song["source_uri"]: song for song in songs}
    first, second, third = (by_file[file.as_uri()] for file in files[:3])
    listed = tunekin("catalog", "remove", first["track_id"], "--dry-run", home=home)
    assert first["title"] in listed.out
    assert "4 songs" in tunekin("catalog", "list", home=home).out
    assert "1 removed" in tunekin("catalog", "remove", first["track_id"], "--yes", home=home).err
    assert "1 removed" in tunekin("catalog", "remove", "--under", files[1], "--yes", home=home).err
    named = ("--title", third["title"].upper(), "--artist", third["artist"])
    assert "1 removed" in tunekin("catalog", "remove", *named, "--yes", home=home).err
    left = tunekin("catalog", "list", "--json", home=home).document
    assert [song["source_uri"] for song in left] == [files[3].as_uri()]
    assert tunekin("search", second["title"], "--json", home=home).document == []
    assert all(file.exists() for file in files)
    assert "1 removed" in tunekin("catalog", "remove", "--all", "--yes", home=home).err
    assert "no song of the catalogue is meant" in tunekin("catalog", "remove", "--all", home=home).err


def test_songs_in_another_encoding_are_listed_and_left_out_where_that_is_asked_for(
    tunekin: Tunekin, music: Path, pieces: list[Piece], tmp_path: Path
) -> None:
    files = sorted(music.rglob("*.flac"))[:4]
    copies, home = tmp_path / "copies", tmp_path / "home"
    copies.mkdir()
    piece = next(piece for piece in pieces if piece.title in files[1].name)
    encoded = copies / "another encoding.mp3"
    encoded.write_bytes(bad_microphone.encode(render(piece), sample_rate_hz=RATE, codec="mp3", bitrate_bps=64_000))
    assert tunekin("catalog", "add", *files, home=home).code == 0
    assert "0 groups" in tunekin("catalog", "duplicates", home=home).out
    left_out = tunekin("catalog", "add", copies, "--skip-duplicates", home=home)
    assert f"removed {encoded}: it is there in another encoding" in left_out.err.replace("\n", "")
    assert "4 songs" in tunekin("catalog", "list", home=home).out
    assert "1 added" in tunekin("catalog", "add", copies, home=home).err
    (group,) = tunekin("catalog", "duplicates", "--json", home=home).document
    assert group["same"] == "sound"
    assert {track["source_uri"] for track in group["tracks"]} == {files[1].as_uri(), encoded.as_uri()}
    assert "1  the same in sound" in tunekin("catalog", "duplicates", home=home).out
    assert "5 songs" in tunekin("catalog", "list", home=home).out


def test_nothing_is_removed_unasked(tunekin: Tunekin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    refused = tunekin("catalog", "remove", "--all")
    assert refused.code == 2
    assert "7 songs would be removed" in refused.err
    terminal = io.StringIO("n\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert tunekin("catalog", "remove", "--all").code == 1
    assert "7 songs" in tunekin("catalog", "list").out
    assert "no song is named" in tunekin("catalog", "remove").err
    assert "holds no track nowhere" in tunekin("catalog", "remove", "nowhere", "--yes").err


def test_a_playlist_is_added_with_its_titles_and_what_is_missing_is_reported(
    tunekin: Tunekin, music: Path, tmp_path: Path
) -> None:
    file = next(music.rglob("*.flac"))
    playlist = tmp_path / "mine.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXTINF:30,Somebody - 다른 이름\n{file}\ngone.mp3\n", encoding="utf-8")
    done = tunekin("catalog", "add", playlist, home=tmp_path / "home")
    assert done.code == 1
    assert "1 added, 1 failed" in done.err
    assert f"failed {tmp_path / 'gone.mp3'}: it can't be read" in done.err.replace("\n", " ")
    (song,) = tunekin("catalog", "list", "--json", home=tmp_path / "home").document
    assert (song["artist"], song["title"]) == ("Somebody", "다른 이름")
    assert song["album"]


def test_what_is_disliked_is_in_no_list_and_a_song_is_not_both(tunekin: Tunekin) -> None:
    first, second, *others = (song["track_id"] for song in tunekin("catalog", "list", "--json").document)
    ask = ("similar", "--track", first, "-k", "20", "--json")
    plain = [match["track_id"] for match in tunekin(*ask).document["matches"]]
    assert second in plain
    told = tunekin(*ask, "--dislike", second, "--like", others[0], "--like", others[1]).document["matches"]
    assert sorted(match["track_id"] for match in told) == sorted(set(plain) - {second})
    refused = tunekin(*ask, "--dislike", second, "--like", second)
    assert refused.code == 2
    assert "both liked and disliked" in refused.err


@pytest.mark.parametrize("arguments", [(), ("clip.wav", "--track", "t")])
def test_either_a_recording_or_a_song_is_asked_for(tunekin: Tunekin, arguments: tuple[str, ...]) -> None:
    done = tunekin("similar", *arguments)
    assert done.code == 2
    assert "--track" in done.err


def test_training_where_pytorch_is_missing_says_what_to_install(
    tunekin: Tunekin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    refused = tunekin("train", "--out", tmp_path / "models")
    assert refused.code == 1
    assert "not installed here" in refused.err
    assert "make train" in refused.err
    assert not (tmp_path / "models").exists()
