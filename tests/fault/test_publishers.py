"""A publisher whose broker dies and comes back: its client goes on, loses no outcome and shows none twice."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tunekin import codec
from tunekin.client import Client
from tunekin.errors import DependencyError
from tunekin.kafka import KafkaBus, KafkaSettings, create_missing
from tunekin.messages import Answer
from tunekin.topics import TOPICS
from tunekin_native.kafka import Kafka

PATIENCE_S = 60.0


@pytest.fixture
def broker(tmp_path) -> Iterator[Kafka]:
    """A broker of this test's own, since others' clients need theirs."""
    with Kafka(tmp_path / "kafka") as server:
        yield server


def say(bus: KafkaBus, *keys: str) -> None:
    producer = bus.producer()
    for key in keys:
        producer.send(codec.encode(Answer(clip_id=f"/t#{key}", key=key, status="answered")))
    producer.flush()
    producer.close()


@pytest.mark.timeout(240)
def test_a_client_outlives_a_broker_that_was_killed_and_comes_back(broker: Kafka):
    settings = KafkaSettings(
        bootstrap_servers=broker.address, connect_timeout_s=2, request_timeout_s=2, delivery_timeout_s=2
    )
    patient = settings.model_copy(update={"connect_timeout_s": 20.0, "delivery_timeout_s": 30.0})
    create_missing(patient, [replace(TOPICS[name], partitions=2) for name in ("clips", "recommendations")])
    bus = KafkaBus(patient)
    with Client(KafkaBus(settings), retries=1) as client:
        left = client.publish(b"left for later", key="left")
        client.forget(left)
        shown, unanswered = client.publish(b"1", key="shown"), client.publish(b"2", key="unanswered")
        say(bus, "shown")
        assert client.wait(shown, timeout_s=PATIENCE_S).key == "shown"

        broker.kill()
        # Outcomes are to be read again, by a connection that can neither do that nor be made anew.
        client.resume(left)
        for number in range(2):
            with pytest.raises(DependencyError):
                client.publish(b"3", key=f"lost {number}")
        with pytest.raises(DependencyError, match="2 clips are without an outcome"):
            client.wait(unanswered, timeout_s=0.01)

        broker.start()
        after = [client.publish(b"4", key=f"after {number}") for number in range(3)]
        say(bus, "shown", "left", "unanswered", *(ticket.key for ticket in after), "unanswered", "left")
        found = [result.ticket for result in client.results(timeout_s=PATIENCE_S)]
    assert sorted(ticket.key for ticket in found) == ["after 0", "after 1", "after 2", "left", "unanswered"]
