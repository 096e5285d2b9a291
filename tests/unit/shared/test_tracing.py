"""Traces of the worker loop: what is recorded, what is passed on, and what a receiver can't do to the work."""

import subprocess
import sys
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from tests.otlp import Receiver, way_to
from tunekin import codec
from tunekin.blobs import FsspecBlobStore
from tunekin.errors import DependencyError, SettingsError, SilentAudioError
from tunekin.gathering import Gathering
from tunekin.local import LocalBus
from tunekin.messages import Audio, ClipSubmitted, Message
from tunekin.metrics import WorkerMetrics
from tunekin.ports import Record
from tunekin.service import Handler, Service
from tunekin.settings import read
from tunekin.telemetry import Telemetry
from tunekin.topics import DEAD_LETTERS
from tunekin.tracing import NO_TRACER, Tracer, TracingSettings, tracer_of
from tunekin.worker import Worker

THEIR_TRACE, THEIR_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
THEIRS = f"00-{THEIR_TRACE}-{THEIR_SPAN}-01"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.listen()
    yield made
    made.close()


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus(clock=lambda: 1_000.0, partitions=1)


@pytest.fixture
def worker(bus, tmp_path):
    def make(handle: Handler, tracer: Tracer, *, topic: str = "clips", gathering: Gathering | None = None) -> Worker:
        return Worker(
            Service(role="test", topics=(topic,), handle=handle, gathering=gathering),
            consumer=bus.consumer([topic], group=topic),
            producer=bus.producer(),
            blobs=FsspecBlobStore((tmp_path / "blobs").as_uri(), readable=()),
            metrics=WorkerMetrics(CollectorRegistry()),
            clock=lambda: 1_000.0,
            tracer=tracer,
        )

    return make


def clip(key: str = "k", *headers: tuple[str, str]) -> Record:
    return Record(
        topic="clips", key=key.encode(), value=b"data", headers=tuple((name, text.encode()) for name, text in headers)
    )


def to_audio(message: Message) -> Iterable[Message]:
    assert isinstance(message, ClipSubmitted)
    return [Audio(subject=message.subject, pcm=b"\x00\x00", sample_rate_hz=22_050, trace=message.trace)]


def records(bus: LocalBus, topic: str) -> list[Record]:
    return list(bus.consumer([topic], group=f"reader of {topic}").poll(timeout_s=0, max_records=100_000))


def test_the_work_on_a_record_is_a_child_of_what_sent_it_and_a_parent_of_what_follows(bus, worker, receiver):
    telemetry = Telemetry(receiver.endpoint, service="tunekin-test", prefix="pre.", group="testers")
    bus.producer().send(clip("k", ("ce_traceparent", THEIRS)))
    worker(to_audio, telemetry).step(timeout_s=0)
    telemetry.close()
    (span,) = receiver.spans
    assert (span.service, span.name, span.kind) == ("tunekin-test", "process pre.clips", "consumer")
    assert (span.trace, span.parent, span.failure) == (THEIR_TRACE, THEIR_SPAN, None)
    facts = {name: value for name, value in span.attributes.items() if name.startswith("messaging.")}
    assert facts == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "pre.clips",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.kafka.message.key": "k",
        "messaging.message.body.size": 4,
        "messaging.consumer.group.name": "pre.testers",
    }
    (record,) = records(bus, "clips.audio")
    assert codec.traceparent_of(record) == f"00-{THEIR_TRACE}-{span.id}-01"
    # What the next stage's handler is given says the same.
    assert codec.decode(record).trace.traceparent == codec.traceparent_of(record)


def test_a_failure_is_marked_and_the_dead_letter_keeps_the_headers_of_its_record(bus, worker, receiver):
    def refuse(_: Message) -> Iterable[Message]:
        raise SilentAudioError("nothing but silence", hint="turn it up")

    telemetry = Telemetry(receiver.endpoint, service="test")
    bus.producer().send(clip("k", ("ce_traceparent", THEIRS)))
    worker(refuse, telemetry).step(timeout_s=0)
    telemetry.close()
    (span,) = receiver.spans
    assert span.attributes["error.type"] == "audio.silent"
    assert "nothing but silence" in str(span.failure)
    (letter,) = records(bus, DEAD_LETTERS)
    assert codec.traceparent_of(letter) == THEIRS
    (outcome,) = records(bus, "recommendations")
    assert codec.traceparent_of(outcome) == f"00-{THEIR_TRACE}-{span.id}-01"


def test_what_has_to_wait_is_marked_each_time(bus, worker, receiver):
    def wait(_: Message) -> Iterable[Message]:
        raise DependencyError("the catalogue is away")

    telemetry = Telemetry(receiver.endpoint, service="test")
    bus.producer().send(clip())
    assert worker(wait, telemetry).step(timeout_s=0) == 0
    telemetry.close()
    assert [span.attributes["error.type"] for span in receiver.spans] == ["dependency.unavailable"]


def test_work_on_several_records_follows_the_last_and_is_linked_to_the_others(bus, worker, receiver):
    telemetry = Telemetry(receiver.endpoint, service="test")
    gathering = Gathering(
        key=lambda message: message.subject.key, is_complete=lambda messages: len(messages) == 2, deadline_s=60.0
    )
    first, second = (f"{number:016x}" for number in (1, 2))
    for parent in (first, second):
        bus.producer().send(clip("k", ("ce_traceparent", f"00-{THEIR_TRACE}-{parent}-01")))
    worker(lambda pair: to_audio(pair[0]), telemetry, gathering=gathering).step(timeout_s=0)
    telemetry.close()
    (span,) = receiver.spans
    assert (span.parent, span.links) == (second, (first,))
    assert codec.traceparent_of(records(bus, "clips.audio")[0]) == f"00-{THEIR_TRACE}-{span.id}-01"


@pytest.mark.parametrize("header", ["ce_traceparent", "traceparent"])
def test_without_a_tracer_a_publishers_trace_reaches_the_answer_all_the_same(header, bus, worker):
    def refuse(_: Message) -> Iterable[Message]:
        raise SilentAudioError("nothing but silence", hint="turn it up")

    bus.producer().send(clip("k", (header, THEIRS)))
    worker(refuse, NO_TRACER).step(timeout_s=0)
    (outcome,) = records(bus, "recommendations")
    assert codec.traceparent_of(outcome) == THEIRS


@pytest.mark.parametrize("theirs", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\udcff"])
def test_a_record_without_a_trace_or_with_a_wrong_one_begins_a_trace(theirs, bus, worker, receiver):
    telemetry = Telemetry(receiver.endpoint, service="test")
    record = clip()
    headers = (("ce_traceparent", theirs.encode(errors="surrogateescape")),)
    span = telemetry.sending(Record(topic=record.topic, key=None, value=None, headers=headers))
    span.end()
    telemetry.close()
    (sent,) = receiver.spans
    assert (sent.parent, sent.kind) == ("", "producer")
    # Flags: sampled, and perhaps that the trace's id is random.
    assert span.traceparent[:-2] == f"00-{sent.trace}-{sent.id}-"
    assert int(span.traceparent[-2:], 16) & 1


def test_what_a_publisher_does_not_want_traced_is_not(bus, worker, receiver):
    telemetry = Telemetry(receiver.endpoint, service="test")
    bus.producer().send(clip("k", ("ce_traceparent", f"00-{THEIR_TRACE}-{THEIR_SPAN}-00")))
    worker(to_audio, telemetry).step(timeout_s=0)
    telemetry.close()
    assert receiver.spans == []
    assert codec.traceparent_of(records(bus, "clips.audio")[0]).startswith(f"00-{THEIR_TRACE}-")


@pytest.mark.parametrize("trouble", ["slow", "down"])
def test_a_receiver_that_is_slow_or_down_holds_up_nothing_and_loses_no_clip(trouble, bus, worker, receiver, capfd):
    if trouble == "slow":
        receiver.dawdle()
    else:
        receiver.close()
    telemetry = Telemetry(receiver.endpoint, service="test")
    clips = 2_500
    for number in range(clips):
        bus.producer().send(clip(str(number)))
    working = worker(to_audio, telemetry)
    while working.step(timeout_s=0):
        pass
    assert len(records(bus, "clips.audio")) == clips
    # More than the queue holds; the process ends all the same, and tells of the trouble in one line.
    telemetry.close()
    assert receiver.spans == []
    assert capfd.readouterr().out.count("tracing.trouble") <= 1


def test_spans_of_one_trace_can_be_followed_from_the_last_to_the_first(receiver):
    telemetry = Telemetry(receiver.endpoint, service="test")
    record = clip()
    for _ in range(3):
        span = telemetry.sending(record)
        record = codec.with_traceparent(record, span.traceparent)
        span.end()
    telemetry.close()
    assert len(list(way_to(receiver.spans[-1], receiver.spans))) == 3


def test_nothing_of_the_libraries_is_loaded_unless_an_endpoint_is_named():
    # Without rankers: the client of Redis loads OpenTelemetry where it finds it.
    code = """
import sys
import tunekin.process, tunekin_classifier.__main__, tunekin_cli.servers, tunekin_ingest.__main__
from tunekin.settings import read
from tunekin.tracing import TracingSettings, tracer_of
tracer_of(read(TracingSettings), service="test")
print([name for name in sys.modules if name.partition(".")[0] == "opentelemetry"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("wrong", ["localhost:4318", "grpc://collector:4317", "http://", "yes"])
def test_an_endpoint_that_is_no_url_stops_the_start(wrong, monkeypatch):
    monkeypatch.setenv("TUNEKIN_TRACING_ENDPOINT", wrong)
    with pytest.raises(SettingsError, match="TUNEKIN_TRACING_ENDPOINT"):
        read(TracingSettings)


def test_without_the_libraries_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tunekin.telemetry", None)
    with pytest.raises(SettingsError, match="is not installed") as caught:
        tracer_of(TracingSettings(endpoint="http://localhost:4318"), service="test")
    assert "tunekin[tracing]" in caught.value.hint
