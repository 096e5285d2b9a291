"""``tunekin catalog add --subsonic``: the music of a server into the catalogue, as people do it."""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.embedded.subsonic_server import API_KEY, PASSWORD, USER, Library, Song, serving
from tunekin.catalogue import sources
from tunekin.messages import Track
from tunekin_cli.__main__ import main
from tunekin_cli.subsonic_songs import remarks
from tunekin_demo.compose import catalogue, write_catalogue

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
Tunekin = Callable[..., tuple[int, str, str]]
LOGIN = {"TUNEKIN_SUBSONIC_USER": USER, "TUNEKIN_SUBSONIC_PASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    assert list(write_catalogue(folder, pieces=list(catalogue())[:2]))
    return folder


@pytest.fixture
def shelf(tmp_path: Path, music: Path) -> Library:
    """Two songs, and a file that is none."""
    files = sorted(music.rglob("*.flac"))
    notes = tmp_path / "notes.flac"
    notes.write_bytes(b"words, and no sound")
    songs = [Song(id=f"tr-{number}", path=path) for number, path in enumerate([*files, notes])]
    songs[0].tags = {"title": "봄날", "artist": "Kim", "musicBrainzId": MBID}
    return Library(songs=songs)


@pytest.fixture
def tunekin(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tunekin:
    """The command, run in this process; no secret is ever told."""

    def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["tunekin", "--home", str(tmp_path / "home"), "catalog", *arguments])
            patch.setattr(tempfile, "tempdir", str(tmp_path))
            for name, value in ({"COLUMNS": "300", "TUNEKIN_WORKERS": "1"} | settings).items():
                patch.setenv(name, value)
            code: object = 0
            try:
                main()
            except SystemExit as stop:
                code = stop.code
        out, err = capfd.readouterr()
        assert not [secret for secret in (PASSWORD, API_KEY, PASSWORD.encode().hex()) if secret in out + err]
        assert isinstance(code, int)
        return code, out, err

    return run


def test_a_servers_music_is_added_once_and_what_it_has_no_more_is_told(tunekin, tmp_path, shelf):
    with serving(shelf) as address:
        code, _, told = tunekin("add", "--subsonic", address, **LOGIN)
        assert code == 1
        assert "2 added, 1 failed; 3 songs" in told
        assert "tr-2" in told
        shelf.fetched.clear()
        gone = shelf.songs.pop(1)
        del shelf.songs[-1]
        code, _, told = tunekin("add", "--subsonic", address, TUNEKIN_SUBSONIC_API_KEY=API_KEY)
        assert (code, shelf.fetched) == (0, [])
        assert "1 already there; 1 songs" in told
        assert "no longer at the server: 1;" in told
        assert str(gone.id) in told
    _, listing, _ = tunekin("list", "--json")
    listed = {sources.song_id(track["source_uri"]): track for track in json.loads(listing)}
    assert sorted(listed) == ["tr-0", "tr-1"]
    first = listed["tr-0"]
    assert (first["title"], first["artist"], first["musicbrainz_id"]) == ("봄날", "Kim", MBID)
    assert first["duration_s"] > 0
    assert not list(tmp_path.glob("tunekin-*"))


def test_songs_that_are_there_from_a_folder_are_told(tunekin, music, shelf):
    assert tunekin("add", str(music))[0] == 0
    with serving(shelf) as address:
        code, _, told = tunekin("add", "--subsonic", address, **LOGIN)
    assert (code, "2 already there, 1 failed" in told) == (1, True)
    assert "not known by the server's ids: 2;" in told


def test_remarks_name_some_and_count_the_others():
    tracks = [Track(track_id=f"t{number}", source_uri=f"subsonic://nas/{number}") for number in range(12)]
    assert remarks(twins=0, gone=[]) == []
    lines = remarks(twins=0, gone=tracks)
    assert len(lines) == 12
    assert lines[0].startswith("songs that are no longer at the server: 12;")
    assert "t9" in lines[10]
    assert lines[11].strip() == "and 2 more"


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("--subsonic", "http://nas"), {}, "TUNEKIN_SUBSONIC_USER is not set"),
        (("--subsonic", "http://nas"), {"TUNEKIN_SUBSONIC_PASWORD": "x"}, "unknown setting TUNEKIN_SUBSONIC_PASWORD"),
        (("--subsonic", "nas:4533"), LOGIN, "is no address of a server"),
        (("--subsonic", f"http://{USER}:{API_KEY}@nas"), LOGIN, "has a login in it"),
        (("--subsonic", "http://127.0.0.1:9"), LOGIN, "does not answer"),
        (("--subsonic", "http://nas", "music"), LOGIN, "either a path or --subsonic"),
        ((), {}, "either a path or --subsonic"),
    ],
)
def test_a_wrong_use_says_what_would_be_right(tunekin, arguments, settings, words):
    code, _, told = tunekin("add", *arguments, **settings)
    assert code in {1, 2}
    assert words in " ".join(told.split())
