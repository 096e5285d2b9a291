"""The page's server in front of workers on real servers."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import httpx2
import pytest

from tests.installation import PATIENCE_S, clip_of, new_key, noise, same, spread, wait_for

TOKEN = "a secret of this test"


@contextlib.contextmanager
def serving(installation, **settings):
    """A gateway, and a client of its API."""
    # One address asks more in these tests than one visitor may.
    own = {"COLUMNS": "200", "TUNEKIN_WEB_TOKEN": TOKEN, "TUNEKIN_WEB_CLIPS_PER_MINUTE": "0"}
    environment = os.environ | installation.environment | own | settings
    command = [sys.executable, "-m", "tunekin_cli", "serve", "--kafka", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        words = server.stderr.readline()
        assert "listens at" in words, words + server.stderr.read()
        with httpx2.Client(base_url=f"{words.split()[3]}api/v1", timeout=PATIENCE_S) as client:
            yield client
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE_S) == 0


@pytest.fixture(scope="module")
def api(installation):
    with serving(installation) as client:
        yield client


def events(api, ticket):
    """Names and data of a ticket's events, to their end."""
    with api.stream("GET", f"/clips/{ticket}/events") as response:
        lines = list(response.iter_lines())
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return list(zip(names, data, strict=True))


def ask(api, data, **options):
    posted = api.post("/clips", content=data, params=options)
    assert posted.status_code == 202, posted.text
    *stages, (name, answer) = events(api, posted.json()["ticket"])
    assert name == "answer"
    return [stage["stage"] for _, stage in stages], answer


def test_the_page_answers_as_the_workers_do(installation, api):
    clip = clip_of(installation.songs[1])
    stages, answer = ask(api, clip, k=7, artists="any")
    assert stages == ["ingest", "featurizer", "classifier", "ranker"]
    assert answer["clip_id"].startswith("/tunekin/web#")
    assert same(answer) == same(installation.answer(clip, ce_topk="7", ce_artists="any"))
    assert answer["identified"] is not None


def test_sound_that_can_not_be_decoded_is_told(api):
    _, answer = ask(api, b"no sound")
    assert (answer["status"], answer["error"]["code"]) == ("failed", "audio.unknown_format")


def test_clips_of_many_listeners_are_on_their_way_together(installation, api):
    tickets = [api.post("/clips", content=noise(100 + number)).json()["ticket"] for number in range(12)]
    answers = [events(api, ticket)[-1][1] for ticket in tickets]
    assert {answer["status"] for answer in answers} == {"answered"}
    assert len({answer["clip_id"] for answer in answers}) == len(tickets)


def test_moods_songs_and_the_map_are_those_of_the_catalogue(installation, api):
    (count,) = installation.query("SELECT COUNT(*) FROM tracks")[0]
    assert api.get("/status").json()["tracks"] == count
    assert sum(mood["tracks"] for mood in api.get("/moods").json()["moods"]) == count
    assert len(api.get("/map").json()["songs"]) == count
    track_id, title = installation.query("SELECT track_id, title FROM tracks WHERE title <> '' LIMIT 1")[0]
    assert title in [song["title"] for song in api.get("/search", params={"q": title}).json()["tracks"]]
    posted = api.post(f"/tracks/{track_id}/similar")
    assert events(api, posted.json()["ticket"])[-1][1]["status"] == "answered"


def test_answers_of_the_workers_follow_what_a_visitor_likes(installation, api):
    clip = noise(55)
    every = {"artists": "any", "versions": "any"}
    _, plain = ask(api, clip, k=50, **every)
    first, *others = (match["track_id"] for match in plain["matches"])
    try:
        assert api.put(f"/taste/{first}", json={"verdict": "dislike"}).status_code == 200
        for track_id in others[:9]:
            assert api.put(f"/taste/{track_id}", json={"verdict": "like"}).status_code == 200
        _, told = ask(api, clip, k=50, **every)
        assert {match["track_id"] for match in told["matches"]} == set(others)
        assert told["search"]["proven"]
        assert [match["why"] for match in told["matches"] if match["why"][0]["view"] == "liked"]
        assert ask(api, clip, k=50, **every, taste="none")[1]["matches"] == plain["matches"]
    finally:
        assert api.delete("/taste").json() == {"forgotten": 10}
    assert installation.query("SELECT COUNT(*) FROM tastes")[0] == (0,)


def statuses(installation, track_id):
    """What publishers have heard of a track."""
    outcomes = installation.outcomes([track_id], topic="catalog.outcomes")
    return [outcome["status"] for outcome in outcomes[track_id]]


def test_a_song_that_is_taken_out_is_recommended_by_no_ranker(installation, api, test_music):
    song = next(file for file in spread(test_music.files, 23) if file not in installation.songs)
    clip = clip_of(song, start_s=9.0)
    installation.command("catalog", "add", "--kafka", str(song))
    wait_for(lambda: ask(api, clip)[1]["identified"] is not None)
    track_id = ask(api, clip)[1]["identified"]["track_id"]
    token = {"Authorization": f"Bearer {TOKEN}"}
    removed = api.delete(f"/tracks/{track_id}", headers=token)
    assert removed.status_code in {200, 202}, removed.text
    # Publishers hear of it, as of every track.
    wait_for(lambda: "removed" in statuses(installation, track_id))
    assert api.delete(f"/tracks/{track_id}", headers=token).status_code == 404
    wait_for(lambda: ask(api, clip)[1]["identified"] is None)


def test_a_clip_that_no_worker_answers_is_a_failure_in_time(installation):
    installation.workers["rank"].stop()
    try:
        with serving(installation, TUNEKIN_WEB_ANSWER_S="1.5") as api:
            _, answer = ask(api, noise(77))
        assert (answer["status"], answer["error"]["code"]) == ("failed", "dependency.unavailable")
        assert "without an outcome" in answer["error"]["message"]
    finally:
        installation.start("rank").wait_until_ready(timeout_s=PATIENCE_S)


def test_a_clip_of_the_page_begins_a_trace(installation, api):
    installation.traces.listen()
    _, answer = ask(api, noise(88))
    key = answer["clip_id"].partition("#")[2]

    def begun():
        return [span for span in installation.traces.spans if span.attributes.get("messaging.kafka.message.key") == key]

    wait_for(lambda: any(span.service == "tunekin-web" for span in begun()))
    (root,) = [span for span in begun() if span.parent == ""]
    assert (root.service, root.name) == ("tunekin-web", f"send {installation.prefix}clips")


def test_an_operator_sees_the_workers_and_sends_a_failed_record_again(installation, api):
    token = {"Authorization": f"Bearer {TOKEN}"}

    def groups():
        return {group["group"]: group for group in api.get("/ops/status", headers=token).json()["groups"]}

    assert groups()["ranker"]["workers"] == 1
    assert groups()["ranker"]["hosts"] == ["127.0.0.1"]

    def is_counted():
        installation.publish([(new_key(), b"no sound")])
        return groups()["ingest.clips"]["came"]["clips"] >= 1

    wait_for(is_counted)
    file, key = installation.folder / "shared" / f"{new_key()}.flac", new_key()
    installation.publish([(key, None, {"ce_dataref": file.as_uri()})])
    assert installation.outcomes([key])[key][0]["status"] == "failed"
    found = api.get("/ops/dead-letters", params={"error": "message.invalid", "since": "10m"}, headers=token).json()
    (letter,) = [one for one in found["letters"] if one["key"] == key]
    assert api.get(f"/ops/dead-letters/{letter['letter']}/value", headers=token).content == b""
    file.write_bytes(clip_of(installation.songs[1]))
    sent = api.post("/ops/dead-letters/replay", json={"letters": [letter["letter"]]}, headers=token)
    assert sent.json() == {"replayed": 1}
    assert installation.outcomes([key], attempt=2)[key][-1]["status"] == "answered"
    assert api.get(f"/ops/dead-letters/{letter['letter']}", headers=token).status_code == 404
