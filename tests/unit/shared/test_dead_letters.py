"""A dead letter keeps its record as it was, and can be sent again or forgotten."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin import codec
from tunekin.dead_letters import Chosen, DeadLetter, bury, document, exhume, purged, replayed, standing
from tunekin.errors import MessageError, NotFoundError
from tunekin.messages import Problem
from tunekin.ports import Record
from tunekin.topics import DEAD_LETTERS, TOPICS

PROBLEM = Problem(code="audio.silent", message="nothing rises above -70 dBFS", hint="check the microphone")
# Whoever publishes may name a header as those are named that say what happened.
NAMES = st.text(alphabet="abc-_", min_size=1, max_size=8) | st.sampled_from(["dl_topic", "dl_headers", "dl_null"])
RECORDS = st.builds(
    Record,
    topic=st.sampled_from(sorted(set(TOPICS) - {DEAD_LETTERS})),
    key=st.none() | st.binary(max_size=8),
    value=st.none() | st.binary(max_size=32),
    headers=st.lists(st.tuples(NAMES, st.binary(max_size=8)), max_size=4).map(tuple),
    partition=st.integers(0, 11),
    offset=st.integers(0, 2**40),
    timestamp_ms=st.integers(0, 2**43),
)


def letter_of(record: Record, *, attempt: int = 1) -> DeadLetter:
    return exhume(bury(record, PROBLEM, stage="ingest", attempt=attempt, failed_ms=1_500.0))


@given(record=RECORDS)
def test_the_original_comes_back_byte_for_byte(record):
    letter = letter_of(record)
    assert letter.original == record
    assert (letter.stage, letter.attempt, letter.problem, letter.failed_ms) == ("ingest", 1, PROBLEM, 1_500.0)


@given(record=RECORDS)
def test_a_letter_is_named_by_the_place_of_its_original(record):
    buried = bury(record, PROBLEM, stage="ingest", attempt=1, failed_ms=0.0)
    assert buried.topic == DEAD_LETTERS
    assert buried.key == f"{record.topic}/{record.partition}/{record.offset}".encode()
    assert buried.value is not None, "it would purge itself"


@given(record=RECORDS, attempt=st.integers(1, 5))
def test_a_replay_differs_from_the_original_by_its_attempt_alone(record, attempt):
    again = replayed(letter_of(record, attempt=attempt))
    assert (again.topic, again.key, again.value or b"") == (record.topic, record.key, record.value or b"")
    assert not (again.key is None and again.value is None), "no client sends such a record"
    assert dict(again.headers)["ce_attempt"] == str(attempt + 1).encode()
    kept = [header for header in record.headers if header[0] != "ce_attempt"]
    assert list(again.headers)[: len(kept)] == kept


def test_a_clip_that_was_named_by_its_place_keeps_its_name_when_it_is_replayed():
    record = Record(topic="clips", key=None, value=b"sound", partition=3, offset=42)
    again = replayed(letter_of(record))
    assert codec.subject_of(again).clip_id == codec.subject_of(record).clip_id
    assert codec.subject_of(again).attempt == 2


def test_what_was_purged_or_failed_again_is_told_once():
    first, second = (Record(topic="clips", key=b"k", value=b"v", partition=0, offset=offset) for offset in (1, 2))
    letters = [bury(record, PROBLEM, stage="ingest", attempt=1, failed_ms=0.0) for record in (first, second, first)]
    assert [letter.original for letter in standing(reversed(letters))] == [first, second]
    assert [letter.original for letter in standing([purged(letter_of(first)), *reversed(letters)])] == [second]


def test_a_letter_of_the_first_version_is_read():
    buried = bury(
        Record(topic="clips", key=b"k", value=b"v", headers=(("a", b"1"),), partition=0, offset=1),
        PROBLEM,
        stage="ingest",
        attempt=1,
        failed_ms=0.0,
    )
    newer = {"dl_headers", "dl_timestamp_ms"}
    first = replace(buried, headers=tuple(header for header in buried.headers if header[0] not in newer))
    assert exhume(first) == exhume(buried)


@given(record=RECORDS)
def test_what_is_told_of_a_letter_is_exact(record):
    told = json.loads(json.dumps(document(letter_of(record))))
    headers = [(one["name"], exact(one, "value", "base64")) for one in told["headers"]]
    assert headers == list(record.headers)
    assert exact(told, "key", "key_base64") == record.key
    assert told["bytes"] == (None if record.value is None else len(record.value))


def exact(told, text, base):
    if base in told:
        return base64.b64decode(told[base])
    return None if told[text] is None else told[text].encode()


def test_letters_are_chosen_by_name_error_stage_and_time():
    def letter(offset: int, code: str, stage: str, failed_s: float) -> DeadLetter:
        record = Record(topic="clips", key=b"k", value=b"v", partition=0, offset=offset)
        problem = Problem(code=code, message="m", hint="h")
        return exhume(bury(record, problem, stage=stage, attempt=1, failed_ms=failed_s * 1000))

    letters = [letter(1, "a", "ingest", 10.0), letter(2, "b", "ingest", 20.0), letter(3, "a", "ranker", 30.0)]

    def chosen(**how: Any) -> list[int]:
        return [one.original.offset for one in Chosen(**how).of(letters)]

    assert chosen() == [1, 2, 3]
    assert chosen(code="a") == [1, 3]
    assert chosen(code="a", stage="ranker") == [3]
    assert chosen(since_s=20.0) == [2, 3]
    assert chosen(until_s=20.0) == [1, 2]
    assert chosen(since_s=15.0, until_s=25.0) == [2]
    assert chosen(keys=("clips/0/3", "clips/0/1")) == [1, 3]
    with pytest.raises(NotFoundError, match="clips/0/9"):
        chosen(keys=("clips/0/9",))


def test_no_more_is_read_than_the_named_letters_take():
    letters = iter([letter_of(Record(topic="clips", key=b"k", value=b"v", partition=0, offset=n)) for n in range(9)])
    chosen = Chosen(keys=("clips/0/3", "clips/0/1")).of(letters)
    assert [letter.original.offset for letter in chosen] == [1, 3]
    assert next(letters).original.offset == 4


@pytest.mark.parametrize("headers", [(), (("dl_topic", b"clips"),), (("dl_topic", b"\xff"),)])
def test_a_record_of_somebody_else_is_named_by_its_place(headers):
    with pytest.raises(MessageError, match=f"{DEAD_LETTERS}/0/7 is no dead letter"):
        exhume(Record(topic=DEAD_LETTERS, key=b"k", value=b"v", headers=headers, partition=0, offset=7))
