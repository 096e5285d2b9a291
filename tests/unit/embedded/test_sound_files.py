"""Which files a bulk load means."""

from pathlib import Path

import pytest

from tunekin.errors import OptionError
from tunekin_embedded.sound_files import content_sha256, find, local_path, track_id


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
