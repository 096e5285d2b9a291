"""Which files a bulk load means."""

import math
import os
from pathlib import Path

import pytest

from tunekin.errors import OptionError
from tunekin_embedded.sound_files import changed_ms, content_sha256, find, local_path, shown, track_id, unreadable


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def found(path: Path) -> list[str]:
    return [local_path(track.source_uri).name for track in find(path)]


def test_a_folder_means_its_sound_files_to_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "b.MP3", "a.flac", "cover.jpg", "deep/er/한글 노래.ogg", ".hidden.mp3", ".trash/c.mp3")
    assert found(tmp_path) == ["a.flac", "b.MP3", "한글 노래.ogg"]


def test_a_file_is_meant_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "recording")
    assert found(tmp_path / "recording") == ["recording"]


def test_a_link_to_a_folder_above_does_not_go_round_for_ever(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp3")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert found(tmp_path) == ["a.mp3"]


def test_a_pipe_is_no_sound_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp3")
    os.mkfifo(tmp_path / "pipe.mp3")
    assert found(tmp_path) == ["a.mp3"]
    (named,) = find(tmp_path / "pipe.mp3")
    with pytest.raises(OSError, match="it is a pipe"):
        content_sha256(named.source_uri)


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "closed/a.mp3", "open/b.mp3")
    scan = os.scandir

    def refuse(folder: Path) -> object:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found(tmp_path) == ["closed", "b.mp3"]


def test_a_place_where_nobody_may_look_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(OptionError, match="can't be read: Permission denied"):
        list(find(tmp_path / "closed" / "music"))
    # Its songs are not gone.
    assert changed_ms((tmp_path / "closed" / "a.mp3").as_uri()) == math.inf


def test_a_name_that_is_no_text_is_found_read_and_shown(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp3")).write_bytes(b"sound")
    (track,) = find(tmp_path)
    assert local_path(track.source_uri).read_bytes() == b"sound"
    assert shown(track.source_uri) == str(tmp_path / "caf\N{REPLACEMENT CHARACTER}.mp3")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (PermissionError(13, "Permission denied"), "let the user that Tunekin runs as read it"),
        (FileNotFoundError(2, "No such file or directory"), "check that it is there"),
    ],
)
def test_a_file_that_cannot_be_read_comes_with_what_would_help(tmp_path: Path, error: OSError, hint: str) -> None:
    touch(tmp_path, "a.mp3")
    (track,) = find(tmp_path)
    problem = unreadable(track, error).error
    assert problem is not None
    assert (problem.message, problem.hint) == (f"it can't be read: {error.strerror}", hint)


def test_a_manifest_says_what_songs_are_called(tmp_path: Path) -> None:
    touch(tmp_path, "x/1.ogg")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\ufefffile,artist,title,label\nx/1.ogg,가수,노래,pop\n", encoding="utf-8")
    (track,) = find(manifest)
    assert (track.artist, track.title, track.album) == ("가수", "노래", "")
    assert local_path(track.source_uri) == tmp_path / "x" / "1.ogg"


def test_a_manifest_says_years_and_tags(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,year,tags\na.ogg,1994,Jazz; bossa nova\nb.ogg,,\n", encoding="utf-8")
    assert [(track.year, track.tags) for track in find(manifest)] == [(1994, ("Jazz", "bossa nova")), (0, ())]


def test_a_year_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,year\na.ogg,1994\nb.ogg,long ago\n", encoding="utf-8")
    with pytest.raises(OptionError, match=r"line 3 .* has the year 'long ago'"):
        list(find(manifest))


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"name,artist\na,b\n", "columns name, artist"), (b"", "columns none"), (b"file\n\xff.mp3\n", "not UTF-8")],
)
def test_a_manifest_that_breaks_its_form_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes(text)
    with pytest.raises(OptionError, match=message):
        list(find(manifest))


def test_nothing_at_a_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no file or folder"):
        list(find(tmp_path / "nowhere"))


def test_a_track_keeps_its_id_when_its_file_changes(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp3")
    (before,) = find(tmp_path)
    sha256 = content_sha256(before.source_uri)
    (tmp_path / "a.mp3").write_bytes(b"changed")
    (after,) = find(tmp_path)
    assert before.track_id == after.track_id == track_id(before.source_uri)
    assert content_sha256(after.source_uri) != sha256
