"""Likes and dislikes over the REST API: each visitor's own, followed, looked at, exported and forgotten."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.component.loaded import Loaded
from tunekin_web.backend import Backend
from tunekin_web.gateway import application
from tunekin_web.opinions import COOKIE
from tunekin_web.settings import WebSettings

Visit = Callable[[], TestClient]


@pytest.fixture
def visit(loaded: Loaded) -> Iterator[Visit]:
    """Let another visitor come, each with cookies of their own."""
    app = application(Backend.of(loaded.parts), settings=WebSettings(clips_per_minute=0))
    with TestClient(app) as first:

        def another() -> TestClient:
            other = TestClient(app)
            # The application's life is that of the first one.
            other.portal = first.portal
            return other

        yield another


@pytest.fixture
def ids(loaded: Loaded) -> list[str]:
    return [track.track_id for track in loaded.parts.reader.list_tracks(limit=100, after=None)]


def put(client: TestClient, track_id: str, verdict: str, **headers: str) -> Any:
    return client.put(f"/api/v1/taste/{track_id}", json={"verdict": verdict}, headers=headers)


def taste(client: TestClient) -> tuple[list[str], list[str]]:
    told = client.get("/api/v1/taste").json()
    return [song["track_id"] for song in told["likes"]], [song["track_id"] for song in told["dislikes"]]


def answer(client: TestClient, track_id: str, options: str = "") -> dict[str, Any]:
    ticket = client.post(f"/api/v1/tracks/{track_id}/similar?k=20{options}").json()
    text = client.get(ticket["events"]).text
    (found,) = re.findall(r"event: answer\ndata: (.*)\n\n", text)
    told: dict[str, Any] = json.loads(found)
    assert told["status"] == "answered", told["error"]
    return told


def matches(told: dict[str, Any]) -> list[str]:
    return [match["track_id"] for match in told["matches"]]


def test_who_only_looks_gets_no_cookie(visit, ids):
    client = visit()
    assert taste(client) == ([], [])
    answer(client, ids[0])
    client.delete("/api/v1/taste")
    client.delete(f"/api/v1/taste/{ids[0]}")
    assert not client.cookies


def test_the_first_like_sets_a_cookie_that_no_script_and_no_other_site_can_use(visit, ids):
    client = visit()
    said = put(client, ids[0], "like")
    assert said.json() == {"track_id": ids[0], "verdict": "like", "at_ms": said.json()["at_ms"]}
    attributes = said.headers["set-cookie"].lower()
    assert all(part in attributes for part in ("httponly", "samesite=lax", "path=/api/v1", "max-age="))
    assert "secure" not in attributes
    held = client.cookies[COOKIE]
    assert put(client, ids[1], "dislike").status_code == 200
    assert client.cookies[COOKIE] == held
    assert taste(client) == ([ids[0]], [ids[1]])


def test_over_tls_the_cookie_never_travels_in_the_clear(visit, ids):
    client = visit()
    client.base_url = "https://testserver"
    assert "secure" in put(client, ids[0], "like").headers["set-cookie"].lower()


def test_a_taste_is_ones_own_and_the_newest_comes_first(visit, ids):
    one, other = visit(), visit()
    for track_id in ids[:3]:
        put(one, track_id, "like")
    put(other, ids[1], "dislike")
    put(one, ids[0], "like")
    assert taste(one)[0][0] == ids[0]
    assert sorted(taste(one)[0]) == sorted(ids[:3])
    assert taste(other) == ([], [ids[1]])
    put(one, ids[0], "dislike")
    assert taste(one)[1] == [ids[0]]


def test_answers_follow_a_taste_unless_they_are_not_to(visit, ids):
    client = visit()
    plain = answer(client, ids[0])
    first, *others = matches(plain)
    put(client, first, "dislike")
    for track_id in others:
        put(client, track_id, "like")
    told = answer(client, ids[0])
    assert sorted(matches(told)) == sorted(others)
    reasons = [why for match in told["matches"] for why in match["why"] if why["view"] == "liked"]
    assert reasons
    assert all("좋아하신" in why["label"]["ko"] and "you liked" in why["label"]["en"] for why in reasons)
    assert answer(client, ids[0], "&taste=none")["matches"] == plain["matches"]
    assert answer(visit(), ids[0])["matches"] == plain["matches"]


def test_a_request_may_bring_a_taste_of_its_own(visit, ids):
    client = visit()
    first, second, *_ = matches(answer(client, ids[0]))
    put(client, first, "dislike")
    told = matches(answer(client, ids[0], f"&dislike={second}&like={first}"))
    assert first in told
    assert second not in told
    refused = client.post(f"/api/v1/tracks/{ids[0]}/similar?like={first}&dislike={first}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "option.invalid")


def test_a_clip_follows_a_taste_too(visit, loaded):
    client = visit()

    def ask() -> dict[str, Any]:
        ticket = client.post("/api/v1/clips?k=20", content=loaded.recorded.read_bytes()).json()
        (found,) = re.findall(r"event: answer\ndata: (.*)\n\n", client.get(ticket["events"]).text)
        told: dict[str, Any] = json.loads(found)
        return told

    plain = ask()
    put(client, plain["matches"][0]["track_id"], "dislike")
    put(client, plain["identified"]["track_id"], "dislike")
    told = ask()
    assert matches(told) == matches(plain)[1:]
    assert told["identified"] == plain["identified"]


def test_a_taste_is_exported_as_a_file(visit, ids):
    client = visit()
    put(client, ids[0], "like")
    said = client.get("/api/v1/taste?download")
    assert said.headers["content-disposition"] == 'attachment; filename="tunekin-taste.json"'
    (song,) = said.json()["likes"]
    assert {"track_id", "title", "artist", "musicbrainz_id", "at_ms"} <= song.keys()
    assert "content-disposition" not in client.get("/api/v1/taste").headers


def test_one_opinion_is_taken_back_and_all_are_forgotten_with_the_cookie(visit, ids):
    client = visit()
    for track_id in ids[:3]:
        put(client, track_id, "like")
    assert client.delete(f"/api/v1/taste/{ids[0]}").json() == {"forgotten": 1}
    assert client.delete(f"/api/v1/taste/{ids[0]}").json() == {"forgotten": 0}
    held = client.cookies[COOKIE]
    assert client.delete("/api/v1/taste").json() == {"forgotten": 2}
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, held)
    assert taste(client) == ([], [])


@pytest.mark.parametrize("forged", ["", "admin", "a" * 42, "a" * 44, "a" * 42 + "'", "a" * 5_000])
def test_a_secret_that_was_not_given_here_counts_for_nothing(visit, ids, forged):
    client = visit()
    client.cookies.set(COOKIE, forged)
    assert taste(client) == ([], [])
    given = put(client, ids[0], "like").cookies[COOKIE]
    assert given != forged


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_changes_nothing_in_a_visitors_name(visit, ids, site):
    client = visit()
    put(client, ids[0], "like")
    headers = {"Sec-Fetch-Site": site}
    for refused in (
        put(client, ids[1], "like", **headers),
        client.delete(f"/api/v1/taste/{ids[0]}", headers=headers),
        client.delete("/api/v1/taste", headers=headers),
    ):
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "gateway.forbidden")
    assert taste(client) == ([ids[0]], [])


@pytest.mark.parametrize(
    ("body", "kind", "hint"),
    [
        (b'{"verdict": "love"}', "application/json", "like"),
        (b"[]", "application/json", "like"),
        (b"", "application/json", "like"),
        (b"\xff\xfe", "application/json", "like"),
        (b'{"verdict": "like"}', "text/plain", "as JSON"),
        (b"verdict=like", "application/x-www-form-urlencoded", "as JSON"),
        (b'{"verdict": "like", "' + b"x" * 2_000 + b'": 1}', "application/json", "enough"),
    ],
)
def test_what_is_no_verdict_is_refused_with_what_would_be_right(visit, ids, body, kind, hint):
    client = visit()
    refused = client.put(f"/api/v1/taste/{ids[0]}", content=body, headers={"Content-Type": kind})
    assert refused.status_code == 400
    assert hint in refused.json()["error"]["hint"]
    assert not client.cookies


def test_a_song_that_is_not_there_can_not_be_liked(visit):
    refused = put(visit(), "nowhere", "like")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "catalogue.not_found")


def test_taste_is_mine_or_none(visit, ids):
    refused = visit().post(f"/api/v1/tracks/{ids[0]}/similar?taste=yours")
    assert (refused.status_code, refused.json()["error"]["hint"]) == (400, "it is mine or none")


def test_who_opines_too_often_waits(loaded, ids):
    with TestClient(application(Backend.of(loaded.parts), settings=WebSettings(clips_per_minute=8))) as client:
        assert [put(client, ids[0], "like").status_code for _ in range(3)] == [200, 200, 429]
        client.delete("/api/v1/taste")
