"""Playlists as other programs write them."""

import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from tunekin.errors import OptionError
from tunekin_embedded.sound_files import content_sha256, find, local_path


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def named(playlist: Path) -> list[tuple[str, str, str]]:
    return [(local_path(track.source_uri).name, track.artist, track.title) for track in find(playlist)]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def test_a_playlist_names_files_from_its_folder_and_says_what_they_are_called(tmp_path: Path) -> None:
    touch(tmp_path, "music/a.mp3", "b.flac")
    text = "#EXTM3U\n#EXTINF:123,A Band - A Song\n../music/a.mp3\n\n# a comment\n#EXTINF:-1,Just a Title\n../b.flac\n"
    playlist = write(tmp_path / "lists" / "list.m3u", text)
    assert named(playlist) == [("a.mp3", "A Band", "A Song"), ("b.flac", "", "Just a Title")]
    # The same track as a folder would name it.
    assert {track.track_id for track in find(playlist)} == {track.track_id for track in find(tmp_path)}


def test_what_is_said_of_one_entry_is_not_said_of_the_next(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp3", "b.mp3")
    playlist = write(tmp_path / "list.m3u8", "#EXTINF:1,X - Y\n#EXTALB:Z\na.mp3\nb.mp3\n")
    first, second = find(playlist)
    assert (first.artist, first.title, first.album) == ("X", "Y", "Z")
    assert (second.artist, second.title, second.album) == ("", "", "")


def test_attributes_of_an_entry_are_no_part_of_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp3")
    playlist = write(tmp_path / "list.m3u8", '#EXTINF:10 logo="a,b.png" group="x",X - Y, and Z\na.mp3\n')
    assert named(playlist) == [("a.mp3", "X", "Y, and Z")]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "노래.mp3"),
        ("utf-8-sig", "노래.mp3"),
        ("utf-16", "노래.mp3"),
        ("cp949", "노래.mp3"),
        ("cp932", "夜の散歩.mp3"),
        ("gb18030", "夜晚的散步.mp3"),
        ("cp1252", "Frühlingsgefühl.mp3"),
    ],
)
def test_a_playlist_of_any_usual_encoding_finds_its_files(tmp_path: Path, encoding: str, name: str) -> None:
    touch(tmp_path, name)
    playlist = write(tmp_path / "list.m3u", f"#EXTM3U\r\n{name}\r\n", encoding)
    assert [local_path(track.source_uri).is_file() for track in find(playlist)] == [True]


def test_a_playlist_may_tell_its_encoding(tmp_path: Path) -> None:
    playlist = write(tmp_path / "list.m3u", "#EXTENC:cp1251\n#EXTINF:1,Кино - Звезда\ngone.mp3\n", "cp1251")
    assert named(playlist) == [("gone.mp3", "Кино", "Звезда")]


@pytest.mark.parametrize(("written", "held"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_may_be_composed_or_not(
    tmp_path: Path, written: Literal["NFC", "NFD"], held: Literal["NFC", "NFD"]
) -> None:
    touch(tmp_path, unicodedata.normalize(held, "é한.mp3"))
    playlist = write(tmp_path / "list.m3u8", unicodedata.normalize(written, "é한.mp3\n"))
    assert all(local_path(track.source_uri).is_file() for track in find(playlist))


def test_paths_of_windows_and_uris_are_understood(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a b.mp3", "sub/c.mp3")
    uri = (tmp_path / "sub" / "c.mp3").as_uri()
    playlist = write(tmp_path / "list.m3u8", f"sub\\a b.mp3\n{uri}\n{tmp_path}/sub/c.mp3\n")
    assert [name for name, _, _ in named(playlist)] == ["a b.mp3", "c.mp3", "c.mp3"]
    assert all(local_path(track.source_uri).is_file() for track in find(playlist))


@pytest.mark.parametrize("entry", ["gone.mp3", "http://radio.example/live", "C:\\Music\\a.mp3"])
def test_an_entry_that_is_not_here_is_a_track_that_cannot_be_read(tmp_path: Path, entry: str) -> None:
    (track,) = find(write(tmp_path / "list.m3u8", f"{entry}\n"))
    with pytest.raises(OSError, match=r"No such file|no file of this machine"):
        content_sha256(track.source_uri)


def test_a_playlist_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    playlist = write(tmp_path / "list.m3u8", "a.mp3\n")

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OptionError, match="can't be read: Permission denied"):
        list(find(playlist))
