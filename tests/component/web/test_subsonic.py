"""What Subsonic clients are answered."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from starlette.testclient import TestClient

from tests.component.embedded.subsonic_server import API_KEY, Library, serving
from tests.component.embedded.subsonic_server import Song as ServedSong
from tests.component.loaded import Loaded
from tunekin.catalogue import sources
from tunekin.catalogue.records import Entry
from tunekin.errors import AudioTooLargeError
from tunekin.features import FEATURES, frames_to_bytes, views_to_bytes
from tunekin.messages import Track
from tunekin_embedded.sound_files import local_path, track_id
from tunekin_embedded.subsonic.server import Server
from tunekin_embedded.subsonic.settings import SubsonicSettings
from tunekin_web.backend import Backend
from tunekin_web.gateway import application
from tunekin_web.problems import MissingError
from tunekin_web.settings import WebSettings
from tunekin_web.subsonic.sounds import ServerSounds

LOGIN: dict[str, str | int] = {"apiKey": "key-7", "v": "1.16.1", "c": "tests", "f": "json"}
SETTINGS = WebSettings(subsonic_api_key="key-7", clips_per_minute=0)
NAMESPACE = "{http://subsonic.org/restapi}"


@pytest.fixture(scope="module")
def client(loaded: Loaded) -> Iterator[TestClient]:
    with TestClient(application(Backend.of(loaded.parts), settings=SETTINGS)) as client:
        yield client


def call(client: TestClient, name: str, **sent: str | int) -> dict[str, Any]:
    response = client.get(f"/rest/{name}", params=LOGIN | sent)
    assert response.status_code == 200
    content: dict[str, Any] = response.json()["subsonic-response"]
    return content


def failure(client: TestClient, name: str, **sent: str | int) -> int:
    content = call(client, name, **sent)
    assert content["status"] == "failed"
    return content["error"]["code"]


def all_songs(client: TestClient) -> list[dict[str, Any]]:
    return call(client, "search3", query="")["searchResult3"]["song"]


def test_a_client_says_hello_with_and_without_the_view_and_by_a_form(client):
    assert call(client, "ping")["status"] == "ok"
    assert call(client, "ping.view")["openSubsonic"] is True
    assert call(client, "getLicense.view")["license"]["valid"] is True
    posted = client.post("/rest/ping.view", data=LOGIN)
    assert posted.json()["subsonic-response"]["status"] == "ok"
    assert client.post("/rest/ping.view", data={"x": "y" * 100_000}).status_code == 413
    assert call(client, "tokenInfo")["tokenInfo"] == {"username": "tunekin"}


def test_what_is_spoken_is_told_to_everybody_and_nothing_else_is(client):
    told = client.get("/rest/getOpenSubsonicExtensions.view?f=json").json()["subsonic-response"]
    names = {extension["name"] for extension in told["openSubsonicExtensions"]}
    assert names == {"formPost", "sonicSimilarity", "apiKeyAuthentication"}
    for name in ("ping", "search3", "stream", "noSuchCall"):
        refused = client.get(f"/rest/{name}?f=json").json()["subsonic-response"]
        assert (refused["status"], refused["error"]["code"]) == ("failed", 10)


def test_nobody_is_answered_until_a_login_is_set(loaded):
    with TestClient(application(Backend.of(loaded.parts), settings=WebSettings())) as client:
        assert client.get("/rest/ping", params=LOGIN).status_code == 404


def test_songs_that_sound_alike_come_most_similar_first_with_how_alike_they_are(client):
    (first, *_) = all_songs(client)
    matches = call(client, "getSonicSimilarTracks", id=first["id"], count=3)["sonicMatch"]
    alike = [match["similarity"] for match in matches]
    assert len(matches) == 3
    assert alike == sorted(alike, reverse=True)
    assert all(0 <= value <= 1 for value in alike)
    assert first["id"] not in {match["entry"]["id"] for match in matches}
    assert all(match["entry"]["title"] and match["entry"]["duration"] > 0 for match in matches)
    assert call(client, "getSonicSimilarTracks", id=first["id"], count=0)["sonicMatch"] == []


def test_xml_says_the_same(client):
    (first, *_) = all_songs(client)
    said = call(client, "getSonicSimilarTracks", id=first["id"])["sonicMatch"]
    response = client.get("/rest/getSonicSimilarTracks", params=LOGIN | {"id": first["id"], "f": "xml"})
    assert response.headers["content-type"].startswith("text/xml")
    matches = ET.fromstring(response.text).findall(f"{NAMESPACE}sonicMatch")
    assert [match.find(f"{NAMESPACE}entry").get("id") for match in matches] == [match["entry"]["id"] for match in said]
    assert [float(match.findtext(f"{NAMESPACE}similarity", "")) for match in matches] == [
        match["similarity"] for match in said
    ]


def test_songs_like_a_song_leave_it_out_and_a_radio_of_an_artist_begins_with_the_artist(client):
    (first, *_) = all_songs(client)
    for name, element in (("getSimilarSongs", "similarSongs"), ("getSimilarSongs2", "similarSongs2")):
        songs = call(client, name, id=first["id"], count=4)[element]["song"]
        assert len(songs) == 4
        assert first["id"] not in {song["id"] for song in songs}
        radio = call(client, name, id=first["artistId"], count=4)[element]["song"]
        assert len(radio) == 4
        assert radio[0]["artist"] == first["artist"]
        assert len({song["id"] for song in radio}) == 4
    album = call(client, "getSimilarSongs", id=first["albumId"], count=2)["similarSongs"]["song"]
    assert album[0]["album"] == first["album"]


def test_a_way_leads_from_one_song_to_the_other(client):
    first, *_, last = all_songs(client)
    way = call(client, "findSonicPath", startSongId=first["id"], endSongId=last["id"], count=5)["sonicMatch"]
    assert [way[0]["entry"]["id"], way[-1]["entry"]["id"]] == [first["id"], last["id"]]
    assert len(way) == len({match["entry"]["id"] for match in way}) == 5
    assert way[0]["similarity"] == 1.0
    assert failure(client, "findSonicPath", startSongId=first["id"]) == 10
    assert failure(client, "findSonicPath", startSongId=first["id"], endSongId="none") == 70


def test_an_empty_search_pages_through_all_songs_and_a_misspelt_one_finds(client, loaded):
    songs = all_songs(client)
    assert len(songs) == len(loaded.pieces)
    pages = [
        call(client, "search3", query='""', songCount=3, songOffset=offset)["searchResult3"]["song"]
        for offset in range(0, 9, 3)
    ]
    assert [song for page in pages for song in page] == songs
    wanted = loaded.pieces[1]
    found = call(client, "search3", query=f"{wanted.title[:-1]} {wanted.artist}")["searchResult3"]["song"]
    assert found[0]["title"] == wanted.title
    assert call(client, "search3", query="", songCount=0)["searchResult3"]["song"] == []
    assert failure(client, "search3", query="", songCount="many") == 0


def test_a_song_is_told_and_played_and_where_its_file_lies_is_told_to_nobody(client):
    (first, *_) = all_songs(client)
    assert call(client, "getSong", id=first["id"])["song"] == first
    assert not {"path", "source_uri"} & first.keys()
    for name in ("stream", "download"):
        sound = client.get(f"/rest/{name}.view", params=LOGIN | {"id": first["id"]}, headers={"Range": "bytes=0-7"})
        assert (sound.status_code, len(sound.content)) == (206, 8)
        assert sound.headers["content-type"] == first["contentType"]


def test_what_is_not_there_and_what_is_missing_are_told_apart(client):
    for name in ("getSong", "stream", "getSonicSimilarTracks", "getSimilarSongs2"):
        assert failure(client, name) == 10
        assert failure(client, name, id="none") == 70
    assert failure(client, "getSimilarSongs2", id="ar-Tm9ib2R5") == 70
    assert failure(client, "getSimilarSongs2", id="ar-!") == 70
    assert failure(client, "getSong", id="../../etc/passwd") == 70
    missing = client.get("/rest/getPlaylists", params=LOGIN)
    assert (missing.status_code, missing.json()["subsonic-response"]["error"]["code"]) == (404, 70)


def test_pages_of_others_may_ask_and_embed_answers_but_not_the_pages_own_api(client):
    answered = client.get("/rest/ping", params=LOGIN | {"f": "jsonp", "callback": "got"})
    assert answered.headers["access-control-allow-origin"] == "*"
    assert answered.headers["cross-origin-resource-policy"] == "cross-origin"
    assert json.loads(answered.text.removeprefix("got(").removesuffix(");"))["subsonic-response"]["status"] == "ok"
    own = client.get("/api/v1/status")
    assert "access-control-allow-origin" not in own.headers
    assert own.headers["cross-origin-resource-policy"] == "same-origin"


def test_too_many_questions_are_told_to_come_again(loaded):
    settings = SETTINGS.model_copy(update={"clips_per_minute": 1})
    with TestClient(application(Backend.of(loaded.parts), settings=settings)) as client:
        (first, *_) = all_songs(client)
        asked = {"id": first["id"], "count": 1}
        assert call(client, "getSimilarSongs2", **asked)["status"] == "ok"
        refused = client.get("/rest/getSimilarSongs2", params=LOGIN | asked)
        assert (refused.status_code, refused.json()["subsonic-response"]["status"]) == (429, "failed")
        assert int(refused.headers["retry-after"]) > 0


def test_who_guesses_a_login_is_told_to_come_again_however_the_next_guess_is(loaded, monkeypatch):
    monkeypatch.setattr("tunekin_web.subsonic.api.time", SimpleNamespace(monotonic=lambda: 5.0))
    with TestClient(application(Backend.of(loaded.parts), settings=SETTINGS)) as client:
        guesses = [client.get("/rest/ping", params=LOGIN | {"apiKey": f"key-{guess}"}) for guess in range(20, 40)]
        assert [guess.status_code for guess in guesses] == [200] * 10 + [429] * 10
        assert guesses[0].json()["subsonic-response"]["error"]["code"] == 44
        right = client.get("/rest/ping", params=LOGIN)
        assert right.status_code == 429
        assert int(right.headers["retry-after"]) > 0
        assert client.get("/rest/getOpenSubsonicExtensions").status_code == 200


@pytest.fixture
def imported(loaded: Loaded) -> Iterator[str]:
    """The first song is from two servers, as far as its name goes: one of them is where it was imported from."""
    library = sources.library("http://nas:4533")
    (song,) = loaded.parts.reader.list_tracks(limit=1, after=None)
    entry = entry_of(loaded, song.track_id)
    for host, name in ((library, "tr-1"), (sources.library("http://other"), "tr-1")):
        uri = sources.song(host, name, size=5)
        track = msgspec.structs.replace(
            song, track_id=track_id(sources.named(uri)), source_uri=uri, year=1999, tags=("jazz", "blues")
        )
        loaded.parts.writer.upsert([replace(entry, track=track)])
    yield song.track_id
    for host in (library, sources.library("http://other")):
        loaded.parts.writer.remove(track_id(sources.song(host, "tr-1")))


def entry_of(loaded: Loaded, known: str) -> Entry:
    """What the catalogue holds of a track, to write it again."""
    version = loaded.parts.model_version
    (row,) = loaded.parts.reader.index_rows([known], feature_version=FEATURES.name, model_version=version)
    return Entry(
        track=row.track,
        feature_version=FEATURES.name,
        frames=frames_to_bytes(row.frames),
        summary=(0.0,) * len(FEATURES.summary_names),
        model_version=version,
        probabilities=tuple(map(float, row.probabilities)),
        views=views_to_bytes(row.views),
    )


def test_an_id_that_two_servers_use_is_refused_until_one_is_named(loaded, imported):
    with TestClient(application(Backend.of(loaded.parts), settings=SETTINGS)) as client:
        assert failure(client, "getSong", id="tr-1") == 0
        assert call(client, "getSong", id=imported)["song"]["id"] == imported
    named = SETTINGS.model_copy(update={"subsonic_library": "http://nas:4533/"})
    with TestClient(application(Backend.of(loaded.parts), settings=named)) as client:
        song = call(client, "getSong", id="tr-1")["song"]
        assert song["id"] == "tr-1"
        assert (song["year"], song["genre"]) == (1999, "jazz")
        assert song["genres"] == [{"name": "jazz"}, {"name": "blues"}]
        matches = call(client, "getSonicSimilarTracks", id="tr-1", count=3)["sonicMatch"]
        assert len(matches) == 3
        assert "tr-1" not in {match["entry"]["id"] for match in matches}
        # Songs of another server go by their ids here, for theirs mean something else at this one.
        assert [found["id"] for found in all_songs(client)].count("tr-1") == 1


def test_a_song_that_lives_at_a_server_is_played_from_there_by_ranges_and_fetched_once(loaded, tmp_path):
    known = loaded.parts.reader.list_tracks(limit=1, after=None)[0]
    path = local_path(known.source_uri)
    shelf = Library(songs=[ServedSong(id="tr-5", path=path)])
    with serving(shelf) as address, Server(address, SubsonicSettings(api_key=API_KEY), attempts=1) as server:
        uri = sources.song(server.library, "tr-5", size=7)
        track = msgspec.structs.replace(known, track_id=track_id(sources.named(uri)), source_uri=uri)
        entry = entry_of(loaded, known.track_id)
        loaded.parts.writer.upsert([replace(entry, track=track)])
        try:
            sounds = ServerSounds(server, folder=tmp_path, max_bytes=1 << 26)
            settings = SETTINGS.model_copy(update={"subsonic_library": address})
            with TestClient(application(replace(Backend.of(loaded.parts), sounds=sounds), settings=settings)) as client:
                place = f"/api/v1/tracks/{track.track_id}"
                assert client.get(place).json()["playable"] is True
                for _ in range(2):
                    part = client.get(f"{place}/audio", headers={"Range": "bytes=4-11"})
                    assert (part.status_code, part.content) == (206, path.read_bytes()[4:12])
                    assert part.headers["content-type"] == "audio/flac"
                whole = client.get("/rest/stream", params=LOGIN | {"id": "tr-5"})
                assert whole.content == path.read_bytes()
                assert shelf.fetched == ["tr-5"]
                silent = replace(Backend.of(loaded.parts), sounds=sounds)
                quiet = settings.model_copy(update={"playback": False})
                with TestClient(application(silent, settings=quiet)) as refused:
                    assert refused.get(f"{place}/audio").status_code == 404
                    assert refused.get(place).json()["playable"] is False
        finally:
            loaded.parts.writer.remove(track.track_id)


def test_what_a_server_sends_in_place_of_sound_is_handed_to_nobody(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>alert(1)</script>")
    folder = tmp_path / "kept"
    folder.mkdir()
    shelf = Library(songs=[ServedSong(id="1", path=page, media_type="text/html")])
    with serving(shelf) as address, Server(address, SubsonicSettings(api_key=API_KEY), attempts=1) as server:
        sounds = ServerSounds(server, folder=folder, max_bytes=1_000)
        track = Track(track_id="t", source_uri=sources.song(server.library, "1"))
        assert sounds.has(track)
        with pytest.raises(MissingError, match="can't be played"):
            sounds.file(track)
        shelf.songs[0].media_type = "audio/mpeg"
        page.write_bytes(bytes(1_001))
        with pytest.raises(AudioTooLargeError):
            sounds.file(track)
        assert list(folder.iterdir()) == []


def test_songs_that_nobody_has_asked_for_of_late_are_kept_no_longer(tmp_path):
    (tmp_path / "song").write_bytes(b"sound")
    folder = tmp_path / "kept"
    folder.mkdir()
    shelf = Library(songs=[ServedSong(id=number, path=tmp_path / "song") for number in range(40)])
    with serving(shelf) as address, Server(address, SubsonicSettings(api_key=API_KEY), attempts=1) as server:
        sounds = ServerSounds(server, folder=folder, max_bytes=1_000)
        for number in range(40):
            track = Track(track_id="t", source_uri=sources.song(server.library, str(number)))
            path, _ = sounds.file(track)
            assert path.read_bytes() == b"sound"
    assert len(list(folder.iterdir())) == 32
