"""A client whose brokers come and go."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.component.client.test_client import PATIENCE_S, outcome, say
from tunekin.client import Client
from tunekin.errors import DependencyError
from tunekin.local import LocalBus, LocalConsumer, LocalProducer
from tunekin.ports import Record


class Outages:
    """A bus whose connections fail as often as they are told to; what they were told to send may arrive even so."""

    def __init__(self) -> None:
        self.bus = LocalBus()
        self.unsent = 0
        self.unpolled = 0
        self.made = 0

    def producer(self) -> Any:
        self.made += 1
        return FailingProducer(self, self.bus.producer())

    def consumer(self, topics: Sequence[str], *, group: str | None) -> Any:
        return FailingConsumer(self, self.bus.consumer(topics, group=group))


class FailingProducer:
    def __init__(self, outages: Outages, producer: LocalProducer) -> None:
        self.outages, self.producer = outages, producer

    def send(self, record: Record):
        delivery = self.producer.send(record)
        if self.outages.unsent:
            self.outages.unsent -= 1
            raise DependencyError("no acknowledgement")
        return delivery

    def close(self) -> None:
        self.producer.close()


class FailingConsumer:
    def __init__(self, outages: Outages, consumer: LocalConsumer) -> None:
        self.outages, self.consumer = outages, consumer

    def poll(self, **how) -> list[Record]:
        records = self.consumer.poll(**how)
        if records and self.outages.unpolled:
            self.outages.unpolled -= 1
            raise DependencyError("the connection broke")
        return records

    def __getattr__(self, name: str):
        return getattr(self.consumer, name)


def test_a_record_without_acknowledgement_is_sent_again_under_its_key():
    outages = Outages()
    read = outages.bus.consumer(["clips"], group="g")
    with Client(outages, retries=2) as client:
        outages.unsent = 2
        ticket = client.publish(b"1")
        sent = read.poll(timeout_s=1, max_records=9)
        assert [record.key for record in sent] == [ticket.key.encode()] * 3
        assert outages.made == 3
        say(outages.bus, outcome(ticket.key), outcome(ticket.key))
        assert client.wait(ticket, timeout_s=PATIENCE_S).key == ticket.key


def test_a_clip_that_no_broker_takes_is_not_waited_for():
    outages = Outages()
    with Client(outages, retries=1, max_in_flight=1) as client:
        outages.unsent = 2
        with pytest.raises(DependencyError, match="no acknowledgement"):
            client.publish(b"1")
        assert list(client.results()) == []
        client.publish(b"2", timeout_s=0)


def test_outcomes_that_a_broken_connection_swallowed_are_read_again():
    outages = Outages()
    with Client(outages) as client:
        tickets = [client.publish(b"1") for _ in range(3)]
        outages.unpolled = 2
        say(outages.bus, *(outcome(ticket.key) for ticket in tickets))
        found = {result.ticket for result in client.results(timeout_s=PATIENCE_S)}
    assert found == set(tickets)


def test_what_is_no_outcome_is_passed_over():
    outages = Outages()
    with Client(outages) as client:
        ticket = client.publish(b"1")
        outages.bus.producer().send(Record(topic="recommendations", key=b"k", value=b"{"))
        say(outages.bus, outcome(ticket.key))
        assert client.wait(ticket, timeout_s=PATIENCE_S).key == ticket.key
