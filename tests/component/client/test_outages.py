"""A client whose brokers come and go."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from tests.component.client.test_client import PATIENCE_S, outcome, say
from tunekin.client import AsyncClient, Client, Ticket
from tunekin.client.tickets import Tickets
from tunekin.errors import DependencyError, OptionError
from tunekin.local import LocalBus, LocalConsumer, LocalProducer
from tunekin.ports import Record


class Outages:
    """A bus whose connections fail as often as they are told to; what they were told to send may arrive even so.

    While it is down nothing can be connected, and what is connected fails. As with a real one, what was closed may not
    be used again: that is a defect of whoever does it.
    """

    def __init__(self) -> None:
        self.bus = LocalBus()
        self.unsent = 0
        self.unpolled = 0
        self.made = 0
        self.is_down = False
        self.is_defective = False
        self.refused = threading.Event()
        self.sending = threading.Event()
        self.may_send = threading.Event()
        self.may_send.set()
        self.open: list[FailingProducer | FailingConsumer] = []

    def producer(self) -> Any:
        self.check()
        self.made += 1
        self.open.append(producer := FailingProducer(self, self.bus.producer()))
        return producer

    def consumer(self, topics: Sequence[str], *, group: str | None) -> Any:
        self.check()
        self.open.append(consumer := FailingConsumer(self, self.bus.consumer(topics, group=group)))
        return consumer

    def check(self, connection: object = None) -> None:
        assert connection is None or connection in self.open, "it was closed"
        if self.is_down:
            self.refused.set()
            raise DependencyError("no broker answers")


class FailingProducer:
    def __init__(self, outages: Outages, producer: LocalProducer) -> None:
        self.outages, self.producer = outages, producer

    def send(self, record: Record):
        self.outages.check(self)
        self.outages.sending.set()
        assert self.outages.may_send.wait(PATIENCE_S)
        delivery = self.producer.send(record)
        if self.outages.unsent:
            self.outages.unsent -= 1
            raise DependencyError("no acknowledgement")
        return delivery

    def close(self) -> None:
        self.outages.open.remove(self)
        self.producer.close()


class FailingConsumer:
    def __init__(self, outages: Outages, consumer: LocalConsumer) -> None:
        self.outages, self.consumer = outages, consumer

    def poll(self, **how) -> list[Record]:
        self.outages.check(self)
        records = self.consumer.poll(**how)
        if records and self.outages.unpolled:
            self.outages.unpolled -= 1
            raise DependencyError("the connection broke")
        return records

    def rewind_to(self, timestamp_ms: int) -> None:
        self.outages.check(self)
        assert timestamp_ms >= 0
        self.consumer.rewind_to(timestamp_ms)

    def close(self) -> None:
        self.outages.open.remove(self)
        self.consumer.close()
        if self.outages.is_defective:
            raise ZeroDivisionError


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


def test_publishing_goes_on_after_an_outage_that_outlasted_the_retries():
    outages = Outages()
    with Client(outages, retries=2) as client:
        before = client.publish(b"1")
        outages.is_down = True
        for _ in range(2):
            with pytest.raises(DependencyError, match="no broker answers"):
                client.publish(b"2")
        outages.is_down = False
        after = client.publish(b"3")
        say(outages.bus, outcome(before.key), outcome(after.key))
        found = [result.ticket for result in client.results(timeout_s=PATIENCE_S)]
    assert sorted(one.key for one in found) == sorted([before.key, after.key])
    assert outages.open == []


def test_outcomes_of_an_outage_come_once_after_it():
    outages = Outages()
    with Client(outages) as client:
        tickets = [client.publish(b"1") for _ in range(3)]
        say(outages.bus, outcome(tickets[0].key))
        assert client.wait(tickets[0], timeout_s=PATIENCE_S).status == "answered"
        outages.is_down = True
        # Not only is the connection lost: it can't be made anew either, for a while.
        assert outages.refused.wait(PATIENCE_S)
        outages.refused.clear()
        assert outages.refused.wait(PATIENCE_S)
        say(outages.bus, *(outcome(ticket.key) for ticket in tickets for _ in range(2)))
        outages.is_down = False
        found = [result.ticket for result in client.results(timeout_s=PATIENCE_S)]
        assert sorted(one.key for one in found) == sorted(one.key for one in tickets[1:])
        last = client.publish(b"2")
        say(outages.bus, outcome(last.key))
        assert client.wait(last, timeout_s=PATIENCE_S).key == last.key
    assert outages.open == []


def test_a_ticket_of_before_is_taken_up_in_an_outage():
    outages = Outages()
    ticket = Ticket(key="k", published_ms=0)
    say(outages.bus, outcome("k"))
    with Client(outages) as client:
        outages.is_down = True
        client.resume(ticket)
        assert outages.refused.wait(PATIENCE_S)
        outages.is_down = False
        assert client.wait(ticket, timeout_s=PATIENCE_S).key == "k"


def test_a_client_that_can_not_publish_is_not_made():
    outages = Outages()
    connect = outages.consumer

    def connect_last(topics: Sequence[str], *, group: str | None) -> Any:
        made = connect(topics, group=group)
        outages.is_down = True
        return made

    outages.consumer = connect_last  # type: ignore[method-assign]
    with pytest.raises(DependencyError, match="no broker answers"):
        Client(outages)
    assert outages.open == []


def test_a_clip_that_nobody_follows_leaves_others_tickets_alone():
    outages = Outages()
    with Client(outages, retries=0) as client:
        followed = client.publish(b"1", key="k")
        outages.unsent = 1
        with pytest.raises(DependencyError, match="no acknowledgement"):
            client.publish(b"1", key="k", follow=False)
        unfollowed = client.publish(b"1", key="k", attempt=2, follow=False)
        client.forget(unfollowed)
        with pytest.raises(OptionError, match="no outcome is expected"):
            client.wait(unfollowed)
        say(outages.bus, outcome("k"))
        assert client.wait(followed, timeout_s=PATIENCE_S).key == "k"


def test_what_breaks_the_listener_is_told_to_whoever_waits(monkeypatch):
    outages = Outages()
    monkeypatch.setattr(Tickets, "settle", lambda *_: 1 / 0)
    with Client(outages) as client:
        ticket = client.publish(b"1")
        say(outages.bus, outcome(ticket.key))
        for call in (lambda: client.wait(ticket), lambda: list(client.results()), lambda: client.publish(b"2")):
            with pytest.raises(DependencyError, match="ZeroDivisionError"):
                call()


def test_publishing_that_is_cancelled_in_asyncio_takes_up_no_room():
    outages = Outages()
    outages.may_send.clear()

    async def run() -> None:
        async with AsyncClient(Client(outages, max_in_flight=1)) as client:
            publishing = asyncio.create_task(client.publish(b"1"))
            assert await asyncio.to_thread(outages.sending.wait, PATIENCE_S)
            publishing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await publishing
            outages.may_send.set()
            ticket = await client.publish(b"2", timeout_s=PATIENCE_S)
            say(outages.bus, outcome(ticket.key))
            found = [result.ticket async for result in client.results(timeout_s=PATIENCE_S)]
            assert found == [ticket]

    asyncio.run(run())


def test_a_connection_that_breaks_in_an_unknown_way_lets_nobody_wait():
    outages = Outages()
    with Client(outages) as client:
        ticket = client.publish(b"1")
        outages.is_down = outages.is_defective = True
        with pytest.raises(DependencyError, match="ZeroDivisionError"):
            client.wait(ticket, timeout_s=PATIENCE_S)
