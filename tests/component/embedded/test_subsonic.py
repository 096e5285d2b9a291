"""Music of a Subsonic server: what is fetched, what is passed over, what fails, and what is told to nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.embedded.subsonic_server import API_KEY, PASSWORD, USER, Library, Song, serving
from tunekin.catalogue import sources
from tunekin.errors import DependencyError, SettingsError
from tunekin.messages import Track, TrackOutcome
from tunekin_embedded.sound_files import Fetched, track_id
from tunekin_embedded.subsonic import library as music
from tunekin_embedded.subsonic.server import Server
from tunekin_embedded.subsonic.settings import SubsonicSettings

LOGIN = SubsonicSettings(user=USER, password=PASSWORD)
MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def at_once(_: float) -> None:
    """Wait for nothing."""


def bytes_of(size: int, path: Path) -> Path:
    path.write_bytes(bytes(size))
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Library:
    """Five small files in two albums."""
    songs = [
        Song(id=f"s{number}/7", path=bytes_of(100 + number, tmp_path / f"{number}.flac"), album=f"a{number % 2}")
        for number in range(5)
    ]
    return Library(songs=songs)


@pytest.fixture
def address(shelf: Library) -> Iterator[str]:
    with serving(shelf) as address:
        yield address


def walk(
    address: str,
    spool: Path,
    *,
    settings: SubsonicSettings = LOGIN,
    known: dict[str, Track] | None = None,
    max_bytes: int = 10_000,
) -> tuple[list[Fetched | TrackOutcome], music.Library]:
    with Server(address, settings, pause=at_once) as server:
        walked = music.Library(server, known or {}, spool=spool, max_bytes=max_bytes)
        return list(walked), walked


def test_every_song_is_fetched_once_with_what_the_server_tells_of_it(address, shelf, tmp_path):
    shelf.songs[0].tags = {"title": "봄날 ", "artist": "Kim", "musicBrainzId": MBID, "isrc": ["KRA381701234", "X"]}
    shelf.songs[0].tags |= {"year": 2017, "genre": "K-pop", "genres": [{"name": "K-pop"}, {"name": "Ballad"}]}
    shelf.songs[1].id = 17
    shelf.songs[1].tags = {"year": -1, "genre": "jazz; blues", "album": None, "isrc": []}
    shelf.page = 1
    songs, walked = walk(address, tmp_path)
    assert len(walked) == len(songs) == 5
    assert sorted(shelf.fetched) == sorted(str(song.id) for song in shelf.songs)
    by_id = {sources.song_id(song.track.source_uri): song for song in songs}
    first = by_id["s0/7"].track
    assert (first.title, first.artist, first.musicbrainz_id, first.isrc) == ("봄날", "Kim", MBID, "KRA381701234")
    assert (first.year, first.tags) == (2017, ("K-pop", "Ballad"))
    second = by_id["17"].track
    assert (second.year, second.tags, second.album, second.isrc) == (0, ("jazz", "blues"), "", "")
    assert first.track_id == track_id(sources.song(sources.library(address), "s0/7"))
    assert by_id["17"].path.read_bytes() == shelf.songs[1].path.read_bytes()
    by_id["17"].release()
    assert not by_id["17"].path.exists()


def test_what_is_known_is_not_fetched_again_until_it_changes(address, shelf, tmp_path):
    known = {song.track.track_id: song.track for song in walk(address, tmp_path)[0]}
    shelf.fetched.clear()
    bytes_of(7, shelf.songs[2].path)
    shelf.songs[3].tags = {"artist": "somebody else"}
    songs, walked = walk(address, tmp_path, known=known)
    assert sorted(shelf.fetched) == ["s2/7", "s3/7"]
    assert [song.status for song in songs if isinstance(song, TrackOutcome)] == ["unchanged"] * 3
    assert walked.gone() == []


def test_songs_that_the_server_has_no_more_are_told_after_a_whole_walk_only(address, shelf, tmp_path):
    known = {song.track.track_id: song.track for song in walk(address, tmp_path)[0]}
    gone = shelf.songs.pop()
    _, walked = walk(address, tmp_path, known=known)
    assert [sources.song_id(track.source_uri) for track in walked.gone()] == [gone.id]
    with Server(address, LOGIN, pause=at_once) as server:
        begun = music.Library(server, known, spool=tmp_path, max_bytes=10_000)
        next(iter(begun))
        assert begun.gone() == []


def test_a_song_that_can_not_be_fetched_is_a_failure_and_the_others_are_fetched(address, shelf, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    shelf.songs[0].failure = 70
    shelf.songs[1].status = 500
    shelf.songs[2].failure = 0
    bytes_of(10_001, shelf.songs[3].path)
    songs, _ = walk(address, spool)
    failures = {sources.song_id(song.source_uri): song.error for song in songs if isinstance(song, TrackOutcome)}
    assert {name: error.code for name, error in failures.items()} == {
        "s0/7": "catalogue.not_found",
        "s1/7": "dependency.unavailable",
        "s2/7": "message.invalid",
        "s3/7": "audio.too_large",
    }
    assert "number 0" in failures["s2/7"].message
    assert [path.read_bytes() for path in spool.iterdir()] == [bytes(104)]


def test_a_server_that_is_busy_is_asked_again(address, shelf, tmp_path):
    shelf.busy = 3
    assert len(walk(address, tmp_path)[0]) == 5
    shelf.busy = 4
    with pytest.raises(DependencyError, match="does not answer: HTTP status 503"):
        walk(address, tmp_path)


def test_who_may_not_download_listens(address, shelf, tmp_path):
    shelf.may_download = False
    assert {type(song) for song in walk(address, tmp_path)[0]} == {Fetched}
    assert "stream" in shelf.calls


@pytest.mark.parametrize(
    ("takes", "settings"),
    [
        ("token", LOGIN),
        ("password", SubsonicSettings(user=USER, password=PASSWORD, login="password")),
        ("apiKey", SubsonicSettings(api_key=API_KEY)),
    ],
)
def test_each_login_opens_and_is_part_of_no_address(address, shelf, tmp_path, takes, settings):
    shelf.takes = (takes,)
    assert len(walk(address, tmp_path, settings=settings)[0]) == 5
    assert not [url for url in shelf.addresses if "?" in url or API_KEY in url]


def test_a_wrong_login_is_told_without_telling_it(address, shelf, tmp_path):
    for settings in (
        SubsonicSettings(user=USER, password="wrong 봄"),
        SubsonicSettings(api_key="wrong 봄"),
    ):
        with pytest.raises(DependencyError, match=r"number 4[04] \(4[04]\)") as caught:
            walk(address, tmp_path, settings=settings)
        assert "TUNEKIN_SUBSONIC_" in caught.value.hint
        assert "wrong" not in caught.value.message
    shelf.takes = ("password",)
    with pytest.raises(DependencyError, match="41") as caught:
        walk(address, tmp_path)
    assert "TUNEKIN_SUBSONIC_LOGIN=password" in caught.value.hint


@pytest.mark.parametrize("settings", [SubsonicSettings(), SubsonicSettings(user=USER)])
def test_half_a_login_stops_before_anything_is_asked(address, shelf, tmp_path, settings):
    with pytest.raises(SettingsError, match="TUNEKIN_SUBSONIC_"):
        walk(address, tmp_path, settings=settings)
    assert shelf.calls == []


def test_a_login_does_not_follow_where_a_server_sends_it(address, shelf, tmp_path):
    with serving(Library()) as elsewhere:
        shelf.lands_at = f"{elsewhere}/rest/ping.view"
        with pytest.raises(DependencyError, match="sends visitors on to"):
            walk(address, tmp_path)
    assert shelf.calls == ["ping"]


def test_nobody_there_is_told(tmp_path):
    with serving(Library()) as address:
        pass
    with pytest.raises(DependencyError, match="does not answer"):
        walk(address, tmp_path)
