"""A pipeline that answers every clip at once, on a bus in this process and on a real broker."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tunekin import codec
from tunekin.kafka import KafkaBus, create_missing
from tunekin.local import LocalBus
from tunekin.messages import Answer, ClipSubmitted, Problem, TrackQuery
from tunekin.ports import Bus, Record
from tunekin.topics import TOPICS


@pytest.fixture(params=["memory", "kafka"])
def bus(request: pytest.FixtureRequest) -> Bus:
    """Topics for clips and their outcomes."""
    if request.param == "memory":
        return LocalBus()
    settings = request.getfixturevalue("kafka_settings")
    create_missing(settings, [replace(TOPICS[name], partitions=2) for name in ("clips", "recommendations")])
    return KafkaBus(settings)


def outcome_of(record: Record) -> Answer:
    """What the pipeline says of a clip: that it failed, where its sound is ``bad``."""
    message = codec.decode(record)
    assert isinstance(message, ClipSubmitted | TrackQuery)
    subject = message.subject
    failed = isinstance(message, ClipSubmitted) and message.data == b"bad"
    return Answer(
        clip_id=subject.clip_id,
        key=subject.key,
        clip_sha256=str(subject.options.k),
        status="failed" if failed else "answered",
        error=Problem(code="audio.undecodable", message="bad") if failed else None,
        attempt=subject.attempt,
    )


@pytest.fixture
def answering(bus: Bus) -> Iterator[Callable[[], None]]:
    """Start the pipeline; it ends with the test."""
    ending = threading.Event()
    with contextlib.ExitStack() as closing:

        def start() -> None:
            consumer = closing.enter_context(contextlib.closing(bus.consumer(["clips"], group="pipeline")))
            producer = closing.enter_context(contextlib.closing(bus.producer()))

            def run() -> None:
                while not ending.is_set():
                    for record in consumer.poll(timeout_s=0.1, max_records=100):
                        producer.send(codec.encode(outcome_of(record)))
                    producer.flush()

            thread = threading.Thread(target=run)
            thread.start()
            closing.callback(thread.join)

        yield start
        ending.set()
