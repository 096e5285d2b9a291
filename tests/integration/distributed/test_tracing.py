"""The way of a clip through the workers as one trace, at a receiver that was down while they started."""

import contextlib
import json

import kafka
import pytest

from tests.installation import clip_of, new_key, noise, wait_for
from tests.otlp import way_to

# The first test of all may have to bring the installation up, on whatever machine this is.
pytestmark = pytest.mark.timeout(300)

STAGES = ("ingest.clips", "featurizer.clips", "classifier.clips", "ranker", "writer")
TOPICS = ("clips", "clips.audio", "clips.features", "clips.classified", "recommendations")


@pytest.fixture
def traces(installation):
    installation.traces.listen()
    return installation.traces


def spans_of(installation, key, *, stages=STAGES):
    """Spans of a clip by its key, once each stage has told of its work, and all but the last of what it sent."""

    def found():
        return [span for span in installation.traces.spans if span.attributes.get("messaging.kafka.message.key") == key]

    wanted = {(f"tunekin-{stage}", kind) for stage in stages for kind in ("consumer", "producer")}
    wanted.remove(("tunekin-writer", "producer"))
    wait_for(lambda: wanted <= {(span.service, span.kind) for span in found()})
    return found()


def test_a_published_clip_is_one_trace_from_the_command_line_through_every_stage(installation, traces, tmp_path):
    file = tmp_path / "clip.flac"
    file.write_bytes(clip_of(installation.songs[0]))
    done = installation.command("publish", str(file), "--wait", "--json")
    assert done.returncode == 0, done.stderr
    key = json.loads(done.stdout)["clip_id"].partition("#")[2]
    spans = spans_of(installation, key)
    # The command line told of its own before it ended.
    assert len({span.trace for span in spans}) == 1
    (last,) = [span for span in spans if span.service == "tunekin-writer"]
    way = list(reversed(list(way_to(last, spans))))
    names = [f"{installation.prefix}{topic}" for topic in TOPICS]
    senders = ["tunekin", *(f"tunekin-{stage}" for stage in STAGES)]
    expected = []
    for number, name in enumerate(names):
        expected += [(senders[number], f"send {name}"), (senders[number + 1], f"process {name}")]
    assert [(span.service, span.name) for span in way] == expected
    assert way[0].parent == ""
    assert all(span.failure is None and span.ended_ns >= span.started_ns for span in way)
    assert {span.kind for span in way if span.name.startswith("process")} == {"consumer"}
    for stage, span in zip(STAGES, way[1::2], strict=True):
        assert span.attributes["messaging.consumer.group.name"] == f"{installation.prefix}{stage}"


def test_a_clip_that_fails_is_marked_where_it_failed(installation, traces):
    key = new_key()
    installation.publish([(key, b"no sound")])
    spans = spans_of(installation, key, stages=("ingest.clips", "writer"))
    failed = [span for span in spans if span.failure is not None]
    assert [(span.service, span.attributes["error.type"]) for span in failed] == [
        ("tunekin-ingest.clips", "audio.unknown_format")
    ]
    assert {span.name.removeprefix(f"send {installation.prefix}") for span in spans if span.kind == "producer"} == {
        "recommendations"
    }


def test_the_trace_of_a_foreign_publisher_goes_on_to_its_answer(installation, traces):
    key, trace, span = new_key(), "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    installation.publish([(key, noise(99), {"traceparent": f"00-{trace}-{span}-01"})])
    spans = spans_of(installation, key)
    assert {one.trace for one in spans} == {trace}
    (first,) = [one for one in spans if one.service == "tunekin-ingest.clips" and one.kind == "consumer"]
    assert first.parent == span
    topic = f"{installation.prefix}recommendations"
    consumer = kafka.KafkaConsumer(
        topic, bootstrap_servers=installation.kafka.address, auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    with contextlib.closing(consumer):
        headers = next(dict(record.headers) for record in consumer if record.key == key.encode())
    (sent,) = [one for one in spans if one.name == f"send {topic}"]
    assert headers["ce_traceparent"].decode().startswith(f"00-{trace}-{sent.id}-")
