"""What operators may ask, and who else may not."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.component.loaded import Loaded
from tests.component.web.operated import Operated
from tunekin.dead_letters import Chosen, bury
from tunekin.messages import Problem
from tunekin.ports import Record
from tunekin_web.backend import Backend
from tunekin_web.gateway import application
from tunekin_web.settings import WebSettings

TOKEN = "비밀 secret"
LETTERS = "/api/v1/ops/dead-letters"


def serving(loaded: Loaded, operated: Operated | None, token: str) -> TestClient:
    backend = replace(Backend.of(loaded.parts), operations=operated)
    return TestClient(application(backend, settings=WebSettings(token=token)))


@pytest.fixture
def operated(tmp_path: Path) -> Operated:
    return Operated(tmp_path)


@pytest.fixture
def client(loaded: Loaded, operated: Operated) -> Iterator[TestClient]:
    with serving(loaded, operated, TOKEN) as client:
        client.headers.encoding = "utf-8"
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def test_nobody_sees_or_does_anything_without_the_token(client, operated):
    paths = [("GET", "/api/v1/ops/status"), ("GET", LETTERS), ("GET", f"{LETTERS}/clips/4/1")]
    paths += [("GET", f"{LETTERS}/clips/4/1/value"), ("POST", f"{LETTERS}/replay"), ("POST", f"{LETTERS}/purge")]
    before = list(operated.topics.records)
    # Without a token everywhere, and with a wrong one at some places: whoever guesses for long is not heard any more.
    for sent, places in ((None, paths), ("Bearer wrong", paths), ("Bearer ", paths[:1]), ("Basic secret", paths[4:5])):
        for method, path in places:
            client.headers.pop("Authorization", None)
            headers = {} if sent is None else {"Authorization": sent}
            # What a browser would send along by itself is no token.
            client.cookies["token"] = "secret"
            answer = client.request(
                method, path, headers=headers, json={"letters": ["clips/4/1"]} if method == "POST" else None
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "gateway.unauthorized")
    assert operated.topics.records == before


def test_nobody_guesses_the_token_for_long(client):
    wrong = {"Authorization": "Bearer guessed"}
    answers = [client.get("/api/v1/ops/status", headers=wrong) for _ in range(60)]
    assert answers[0].status_code == 401
    refused = next(answer for answer in answers if answer.status_code != 401)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "gateway.rate")
    assert int(refused.headers["retry-after"]) > 0


def test_where_no_token_is_set_it_is_off(loaded, operated):
    with serving(loaded, operated, "") as client:
        assert client.get("/ops").status_code == 404
        answer = client.get("/api/v1/ops/status", headers={"Authorization": "Bearer "})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "gateway.forbidden")


def test_where_one_process_does_it_all_there_is_nothing_to_operate(loaded):
    with serving(loaded, None, "secret") as client:
        assert client.get("/ops").status_code == 404
        answer = client.get("/api/v1/ops/status", headers={"Authorization": "Bearer secret"})
        assert answer.status_code == 404
        assert "--kafka" in answer.json()["error"]["hint"]


def test_workers_lag_and_throughput_are_told(client):
    assert client.get("/ops").status_code == 200
    status = client.get("/api/v1/ops/status").json()
    ingest, ranker = status["groups"]
    assert ingest == {
        "group": "ingest.clips",
        "workers": 2,
        "hosts": ["10.0.0.7", "10.0.0.8"],
        "behind": {"clips": 3},
        "came": {"clips": 40},
    }
    assert (ranker["workers"], ranker["behind"], ranker["came"]) == (
        0,
        {"clips.classified": 17},
        {"clips.classified": 25},
    )
    assert status["last_minute"]["recommendations"] == 8


def test_letters_are_listed_the_newest_first_and_chosen_by_error_stage_and_time(client):
    def listed(more: bool = False, **chosen: str) -> list[str]:
        found = client.get(LETTERS, params=chosen).json()
        assert found["more"] == more
        return [letter["letter"] for letter in found["letters"]]

    assert listed() == ["clips/4/3", "clips/4/2", "clips/4/1"]
    assert listed(limit="2", more=True) == ["clips/4/3", "clips/4/2"]
    assert listed(stage="ingest") == ["clips/4/2", "clips/4/1"]
    assert listed(error="internal") == ["clips/4/3"]
    assert listed(since="10m") == ["clips/4/3", "clips/4/2"]
    assert listed(until="30s") == ["clips/4/2", "clips/4/1"]
    found = client.get(LETTERS, params={"error": "internal"}).json()
    assert found["errors"] == {"audio.silent": 1, "audio.unknown_format": 1, "internal": 1}
    assert found["stages"] == {"ingest": 2, "ranker": 1}
    for wrong in ({"limit": "0"}, {"limit": "many"}, {"since": "yesterday"}):
        assert client.get(LETTERS, params=wrong).json()["error"]["code"] == "option.invalid"


def test_of_many_letters_only_the_newest_are_read(client, operated):
    problem = Problem(code="internal", message="a defect")
    for number in range(1_000):
        record = Record(topic="clips", key=b"k", value=b"v", partition=5, offset=number)
        operated.topics.send(bury(record, problem, stage="ranker", attempt=1, failed_ms=time.time() * 1000))
    operated.topics.read = 0
    assert len(client.get(LETTERS).json()["letters"]) == 100
    assert operated.topics.read == 101
    operated.topics.read = 0
    assert client.get(f"{LETTERS}/clips/4/3").status_code == 200
    assert operated.topics.read == 1_001


def test_a_letter_is_told_and_its_record_handed_out_byte_for_byte(client):
    letter = client.get(f"{LETTERS}/clips/4/1").json()
    assert (letter["code"], letter["bytes"], letter["attempt"]) == ("audio.silent", 256, 1)
    assert letter["headers"] == [{"name": "ce_topk", "value": "3"}, {"name": "x-own", "base64": "/wA="}]
    value = client.get(f"{LETTERS}/clips/4/1/value")
    assert value.content == bytes(range(256))
    assert value.headers["content-disposition"] == 'attachment; filename="clips-4-1.bin"'
    assert client.get(f"{LETTERS}/clips/4/9").status_code == 404


def test_a_letter_is_sent_again_as_its_next_attempt_and_forgotten(client, operated):
    assert client.post(f"{LETTERS}/replay", json={"letters": ["clips/4/1", "clips/4/2"]}).json() == {"replayed": 2}
    again = [record for record in operated.topics.records if record.topic == "clips"]
    assert [(record.key, record.value) for record in again] == [
        (b"clip 1", bytes(range(256))),
        (b"clip 2", bytes(range(256))),
    ]
    assert {dict(record.headers)["ce_attempt"] for record in again} == {b"2"}
    assert [letter["letter"] for letter in client.get(LETTERS).json()["letters"]] == ["clips/4/3"]


def test_very_many_letters_are_sent_again_in_order_and_forgotten_as_they_are_delivered(operated):
    problem = Problem(code="internal", message="a defect")
    for number in range(1_000):
        record = Record(topic="clips", key=b"%d" % number, value=b"v", partition=5, offset=number)
        operated.topics.send(bury(record, problem, stage="ranker", attempt=1, failed_ms=time.time() * 1000))
    assert operated.letters.replay(Chosen(code="internal")) == 1_001
    sent = operated.topics.records[-2 * 1_001 :]
    again = [record.key for record in sent if record.topic == "clips"]
    assert again == [b"clip 3", *(b"%d" % number for number in range(1_000))]
    assert next(number for number, record in enumerate(sent) if record.value is None) < 500
    assert [letter.original.offset for letter in operated.letters.letters()] == [2, 1]


def test_a_clip_begins_anew_where_that_is_asked_for(client, operated):
    operated.topics.send(Record(topic="clips", key=b"clip 3", value=b"as published", partition=4, offset=3))
    sent = client.post(f"{LETTERS}/replay", json={"letters": ["clips/4/3"], "whole": True})
    assert sent.json() == {"replayed": 1}
    assert [record.value for record in operated.topics.records if record.topic == "clips"] == [b"as published"] * 2


def test_letters_are_forgotten(client):
    assert client.post(f"{LETTERS}/purge", json={"letters": ["clips/4/3"]}).json() == {"purged": 1}
    assert len(client.get(LETTERS).json()["letters"]) == 2


@pytest.mark.parametrize("body", [b"", b"{}", b'{"letters": []}', b'{"letters": "clips/4/1"}', b'{"all": true}', b"x"])
def test_a_request_that_names_no_letter_does_nothing(client, operated, body):
    before = list(operated.topics.records)
    for what in ("replay", "purge"):
        answer = client.post(f"{LETTERS}/{what}", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "option.invalid")
    assert operated.topics.records == before


def test_one_letter_that_is_not_there_keeps_the_others_where_they_are(client, operated):
    before = list(operated.topics.records)
    answer = client.post(f"{LETTERS}/replay", json={"letters": ["clips/4/1", "clips/4/9"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "catalogue.not_found")
    assert operated.topics.records == before
