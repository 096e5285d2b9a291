"""The REST API: what it answers, and what it refuses."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.component.loaded import Loaded
from tunekin.messages import Track
from tunekin_web.backend import Backend
from tunekin_web.collection import Collection
from tunekin_web.gateway import application
from tunekin_web.openapi import document
from tunekin_web.problems import MissingError
from tunekin_web.settings import WebSettings

SETTINGS = WebSettings(token="secret", max_clip_bytes=1_000_000, clips_per_minute=0)


@pytest.fixture(scope="module")
def client(loaded: Loaded) -> Iterator[TestClient]:
    with TestClient(application(Backend.of(loaded.parts), settings=SETTINGS)) as client:
        yield client


def events_of(client: TestClient, ticket: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    text = client.get(ticket["events"]).text
    return [(name, json.loads(data)) for name, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)]


def first_song(client: TestClient) -> dict[str, Any]:
    mood = next(mood for mood in client.get("/api/v1/moods").json()["moods"] if mood["tracks"])
    return client.get(f"/api/v1/moods/{mood['id']}/tracks").json()["tracks"][0]


def test_a_clip_gets_a_ticket_its_stages_and_its_answer(client, loaded):
    posted = client.post("/api/v1/clips?k=3", content=loaded.recorded.read_bytes())
    assert posted.status_code == 202
    *stages, (last, answer) = events_of(client, posted.json())
    assert [stage["stage"] for _, stage in stages] == ["ingest", "featurizer", "classifier", "ranker"]
    assert (last, answer["status"], len(answer["matches"])) == ("answer", "answered", 3)
    assert answer["identified"]["title"] == loaded.pieces[3].title
    state = client.get(posted.json()["answer"]).json()
    assert (state["status"], state["answer"]) == ("done", answer)


def test_what_matters_to_somebody_decides_the_order(client, loaded):
    def matches(weights: str) -> list[str]:
        url = f"/api/v1/clips?k=10&weights={weights}"
        ticket = client.post(url, content=loaded.recorded.read_bytes()).json()
        return [match["track_id"] for match in events_of(client, ticket)[-1][1]["matches"]]

    rhythm = matches("style=0,feeling=0,timbre=0,harmony=0")
    harmony = matches("style=0,feeling=0,timbre=0,rhythm=0")
    assert rhythm != harmony
    assert matches("rhythm=1") == matches("harmony=1")


def test_songs_like_a_song_need_no_recording(client):
    song = first_song(client)
    ticket = client.post(f"/api/v1/tracks/{song['track_id']}/similar?k=2")
    assert ticket.status_code == 202
    answer = events_of(client, ticket.json())[-1][1]
    assert len(answer["matches"]) == 2
    assert song["track_id"] not in {match["track_id"] for match in answer["matches"]}


def test_a_clip_that_is_no_sound_is_answered_with_the_reason(client):
    ticket = client.post("/api/v1/clips", content=b"not a sound file, but words").json()
    answer = events_of(client, ticket)[-1][1]
    assert (answer["status"], answer["error"]["code"]) == ("failed", "audio.unknown_format")


def test_a_surprise_is_drawn_anew_by_its_seed_from_all_songs_of_the_mood(client):
    mood = max(client.get("/api/v1/moods").json()["moods"], key=lambda mood: mood["tracks"])
    url = f"/api/v1/moods/{mood['id']}/tracks"
    typical = client.get(url).json()["tracks"]
    drawn = client.get(f"{url}?order=surprise&seed=5").json()["tracks"]
    assert [song["probability"] for song in typical] == sorted((song["probability"] for song in typical), reverse=True)
    assert {song["track_id"] for song in drawn} == {song["track_id"] for song in typical}
    assert drawn == client.get(f"{url}?order=surprise&seed=5").json()["tracks"]


def test_a_song_is_found_by_a_misspelt_name(client, loaded):
    found = client.get("/api/v1/search", params={"q": f"{loaded.pieces[1].title[:-1]} {loaded.pieces[1].artist}"})
    assert found.json()["tracks"][0]["title"] == loaded.pieces[1].title


@pytest.mark.parametrize("kind", ["m3u8", "xspf"])
def test_an_answer_and_a_mood_are_playlists_whose_songs_play(client, loaded, kind):
    ticket = client.post("/api/v1/clips", content=loaded.recorded.read_bytes()).json()
    matches = events_of(client, ticket)[-1][1]["matches"]
    answered = client.get(f"{ticket['answer']}/playlist.{kind}")
    mood = matches[0]["mood"]
    for written in (answered.text, client.get(f"/api/v1/moods/{mood}/playlist.{kind}").text):
        (first, *_) = re.findall(r"http://testserver/api/v1/tracks/\w+/audio", written)
        assert client.get(first.removeprefix("http://testserver")).status_code == 200
    assert all(match["track_id"] in answered.text for match in matches)
    assert client.get(f"{ticket['answer']}/playlist.exe").status_code == 404


def test_the_map_places_every_song_in_its_mood(client, loaded):
    drawn = client.get("/api/v1/map").json()
    assert len(drawn["songs"]) == drawn["of"] == len(loaded.pieces)
    assert all(0 <= song["x"] <= 1 and 0 <= song["y"] <= 1 and song["mood"] is not None for song in drawn["songs"])


def test_a_song_is_played_by_ranges_and_where_its_file_lies_is_told_to_nobody(client):
    song = first_song(client)
    assert song["playable"]
    assert "source_uri" not in song
    part = client.get(f"/api/v1/tracks/{song['track_id']}/audio", headers={"Range": "bytes=4-11"})
    assert (part.status_code, len(part.content)) == (206, 8)
    assert part.headers["content-range"].startswith("bytes 4-11/")


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "../../etc/passwd", "%00"])
def test_no_path_of_a_visitor_is_opened(client, path):
    for place in (f"/api/v1/tracks/{path}/audio", f"/static/{path}"):
        assert client.get(place).status_code in {404, 405}


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "https://example.org/a.mp3", "file:///missing.mp3", "file:///etc"]
)
def test_a_catalogue_that_names_other_files_hands_none_of_them_out(loaded, monkeypatch, uri):
    collection = Collection(Backend.of(loaded.parts), playback=True)
    monkeypatch.setattr(collection._reader, "track", lambda track_id: Track(track_id=track_id, source_uri=uri))
    with pytest.raises(MissingError):
        collection.sound("t")


def test_an_upload_over_the_limit_is_refused_before_it_is_read(client):
    read = 0

    def body():
        nonlocal read
        for _ in range(1_000):
            read += 100_000
            yield bytes(100_000)

    declared = client.post("/api/v1/clips", content=b"", headers={"Content-Length": "2000000"})
    assert (declared.status_code, declared.json()["error"]["code"]) == (413, "audio.too_large")
    assert client.post("/api/v1/clips", content=body()).status_code == 413


def test_a_clip_that_comes_too_slowly_gives_its_place_back(loaded):
    settings = WebSettings(upload_s=0.2, max_clips=1)

    async def receive():
        await asyncio.sleep(10)

    async def run():
        app = application(Backend.of(loaded.parts), settings=settings)
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/v1/clips", "query_string": b"", "headers": []}
        for _ in range(2):
            await app(dict(scope), receive, send)
        return [message["status"] for message in sent if message["type"] == "http.response.start"]

    assert asyncio.run(run()) == [408, 408]


def test_a_full_desk_answers_429_and_says_when_to_come_again(loaded):
    with TestClient(application(Backend.of(loaded.parts), settings=WebSettings(clips_per_minute=4))) as client:
        first, second = (client.post("/api/v1/clips", content=loaded.recorded.read_bytes()) for _ in range(2))
        assert (first.status_code, second.status_code) == (202, 429)
        assert int(second.headers["retry-after"]) > 0
        assert events_of(client, first.json())[-1][1]["status"] == "answered"


def test_only_the_token_may_change_the_catalogue(client, loaded):
    song = first_song(client)["track_id"]
    url = f"/api/v1/tracks/{song}"
    assert client.delete(url).status_code == 401
    assert client.delete(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    with TestClient(application(Backend.of(loaded.parts), settings=WebSettings())) as other:
        assert other.delete(url, headers={"Authorization": "Bearer "}).status_code == 403
    assert client.get(url).status_code == 200
    absent = client.delete("/api/v1/tracks/absent", headers={"Authorization": "Bearer secret"})
    assert (absent.status_code, absent.json()["error"]["code"]) == (404, "catalogue.not_found")


@pytest.mark.parametrize(("version", "status"), [(7, 200), (None, 202)])
def test_a_removal_is_done_or_on_its_way(version, status, client, loaded):
    url = f"/api/v1/tracks/{first_song(client)['track_id']}"
    backend = replace(Backend.of(loaded.parts), remove=lambda _: version)
    with TestClient(application(backend, settings=WebSettings(token="secret"))) as other:
        removed = other.delete(url, headers={"Authorization": "Bearer secret"})
    assert (removed.status_code, removed.json()) == (status, {"catalogue": version})


@pytest.mark.parametrize(
    ("method", "place", "status", "code"),
    [
        ("POST", "/api/v1/clips?k=0", 400, "option.invalid"),
        ("POST", "/api/v1/clips?scope=none", 400, "option.invalid"),
        ("POST", "/api/v1/clips?weights=loudness%3D2", 400, "option.invalid"),
        ("POST", "/api/v1/clips?weights=rhythm", 400, "option.invalid"),
        ("POST", "/api/v1/clips?mode=none", 400, "option.invalid"),
        ("POST", "/api/v1/clips?start=nan", 400, "option.invalid"),
        ("POST", "/api/v1/clips", 400, "audio.empty"),
        ("POST", "/api/v1/tracks/absent/similar", 404, "catalogue.not_found"),
        ("GET", "/api/v1/clips/absent", 404, "gateway.not_found"),
        ("GET", "/api/v1/clips/absent/events", 404, "gateway.not_found"),
        ("GET", "/api/v1/moods/999/tracks", 404, "catalogue.not_found"),
        ("GET", "/api/v1/moods/0/tracks?order=none", 400, "option.invalid"),
        ("GET", "/api/v1/search?q=a&limit=1000", 400, "option.invalid"),
        ("GET", "/api/v1/nothing", 404, "gateway.http"),
    ],
)
def test_a_wrong_request_says_what_would_be_right(client, method, place, status, code):
    said = client.request(method, place)
    assert (said.status_code, said.json()["error"]["code"]) == (status, code)
    assert said.json()["error"]["hint"]


def test_every_route_is_described_and_nothing_else(client):
    described = {(path, method.upper()) for path, methods in document(SETTINGS)["paths"].items() for method in methods}
    mount = next(route for route in client.app.routes if getattr(route, "path", "") == "/api/v1")
    served = {
        (re.sub(r":\w+}", "}", route.path), method) for route in mount.routes for method in route.methods - {"HEAD"}
    }
    assert described == served
    assert client.get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")


def test_every_response_forbids_what_the_page_does_not_need(client):
    for place in ("/", "/static/app.js", "/api/v1/moods", "/api/v1/nothing"):
        headers = client.get(place).headers
        policy = headers["content-security-policy"]
        assert headers["cache-control"] in {"no-cache", "no-store"}
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_first_page_is_small(client):
    files = [
        "/",
        *(f"/static/{name}" for name in ("style.css", "mark.svg", "app.js", "words.js", "dom.js", "api.js")),
        *(f"/static/{name}" for name in ("sound.js", "answer.js", "listen.js", "recorder-worklet.js")),
    ]
    assert sum(len(client.get(name).content) for name in files) < 100_000
