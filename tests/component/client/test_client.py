"""What a publisher relies on, on both buses."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tunekin import codec
from tunekin.client import Answer, AsyncClient, Client, ClipOptions, Ticket
from tunekin.errors import DependencyError, OptionError
from tunekin.ports import Bus
from tunekin.topics import INLINE_LIMIT_BYTES

PATIENCE_S = 30.0


def say(bus: Bus, *answers: Answer) -> None:
    producer = bus.producer()
    for answer in answers:
        producer.send(codec.encode(answer))
    producer.flush()
    producer.close()


def outcome(key: str, *, attempt: int = 1, clip_sha256: str = "") -> Answer:
    return Answer(clip_id=f"/t#{key}", key=key, status="answered", attempt=attempt, clip_sha256=clip_sha256)


def test_an_outcome_comes_back_to_its_ticket(bus: Bus, answering: Callable[[], None]) -> None:
    answering()
    with Client(bus, source="/app") as client:
        tickets = [client.publish(b"sound", options=ClipOptions(k=k), key=f"k{k}") for k in (3, 4)]
        query = client.publish_query("a song")
        answers = [client.wait(ticket, timeout_s=PATIENCE_S) for ticket in (*reversed(tickets), query)]
    assert [(one.clip_id, one.clip_sha256) for one in answers[:2]] == [("/app#k4", "4"), ("/app#k3", "3")]
    assert answers[2].key == query.key
    assert all(abs(ticket.published_ms / 1000 - time.time()) < PATIENCE_S for ticket in tickets)


def test_results_end_once_every_outcome_was_handed_out(bus: Bus, answering: Callable[[], None]) -> None:
    with Client(bus) as client:
        tickets = [client.publish(data) for data in (b"good", b"bad", b"good")]
        unwanted = client.publish(b"good", follow=False)
        answering()
        found = {result.ticket: result.answer.status for result in client.results(timeout_s=PATIENCE_S)}
        assert found == dict(zip(tickets, ["answered", "failed", "answered"], strict=True))
        for ticket in (tickets[0], unwanted):
            with pytest.raises(OptionError, match="no outcome is expected"):
                client.wait(ticket)


def test_a_file_is_read_and_one_that_is_none_is_named(bus: Bus, answering: Callable[[], None], tmp_path) -> None:
    answering()
    (tmp_path / "clip.ogg").write_bytes(b"bad")
    with Client(bus) as client:
        assert client.wait(client.publish(tmp_path / "clip.ogg"), timeout_s=PATIENCE_S).status == "failed"
        with pytest.raises(OptionError, match=r"none\.ogg"):
            client.publish(tmp_path / "none.ogg")


def test_too_many_clips_without_an_outcome_make_publishers_wait(bus: Bus) -> None:
    with Client(bus, max_in_flight=2) as client:
        first, _ = client.publish(b"1"), client.publish(b"2")
        with pytest.raises(DependencyError, match="2 clips are without an outcome"):
            client.publish(b"3", timeout_s=0.1)
        third = threading.Thread(target=client.publish, args=(b"3",))
        third.start()
        say(bus, outcome(first.key))
        third.join(PATIENCE_S)
        assert not third.is_alive()


def test_the_first_outcome_of_the_awaited_attempt_counts(bus: Bus) -> None:
    with Client(bus) as client:
        ticket = client.publish(b"1", key="k", attempt=2)
        with pytest.raises(OptionError, match="waited for already"):
            client.publish(b"1", key="k")
        say(
            bus,
            outcome("others"),
            outcome("k", attempt=1, clip_sha256="old"),
            outcome("k", attempt=2, clip_sha256="right"),
            outcome("k", attempt=2, clip_sha256="again"),
        )
        assert client.wait(ticket, timeout_s=PATIENCE_S).clip_sha256 == "right"


def test_a_ticket_outlives_its_client(bus: Bus) -> None:
    with Client(bus) as client:
        ticket = client.publish(b"1")
    say(bus, outcome(ticket.key))
    with Client(bus) as client:
        client.resume(ticket)
        assert client.wait(ticket, timeout_s=PATIENCE_S).key == ticket.key


def test_who_waits_learns_that_the_client_was_closed(bus: Bus) -> None:
    client = Client(bus)
    ticket = client.publish(b"1")
    with pytest.raises(DependencyError, match="1 clip is without an outcome"):
        client.wait(ticket, timeout_s=0.05)
    threading.Timer(0.2, client.close).start()
    with pytest.raises(DependencyError, match="closed"):
        client.wait(ticket)
    with pytest.raises(DependencyError, match="closed"):
        list(client.results())


def test_sound_too_large_for_a_record_needs_a_blob_store(bus: Bus) -> None:
    with Client(bus) as client, pytest.raises(OptionError, match=str(INLINE_LIMIT_BYTES)):
        client.publish(bytes(INLINE_LIMIT_BYTES + 1))


def test_asyncio_has_the_same(bus: Bus, answering: Callable[[], None]) -> None:
    answering()

    async def run() -> tuple[Ticket, Answer, dict[Ticket, str], list[Ticket]]:
        async with AsyncClient(Client(bus, max_in_flight=4)) as client:
            ticket = await client.publish(b"good", options=ClipOptions(k=7))
            answer = await client.wait(ticket, timeout_s=PATIENCE_S)
            tickets = await asyncio.gather(*(client.publish(b"bad") for _ in range(20)), client.publish_query("a song"))
            found: dict[Ticket, str] = {
                one.ticket: one.answer.status async for one in client.results(timeout_s=PATIENCE_S)
            }
            return ticket, answer, found, tickets

    ticket, answer, found, tickets = asyncio.run(run())
    assert (answer.key, answer.clip_sha256) == (ticket.key, "7")
    assert found == dict.fromkeys(tickets[:-1], "failed") | {tickets[-1]: "answered"}


def test_giving_up_in_asyncio_leaves_the_ticket_open(bus: Bus) -> None:
    async def run() -> Answer:
        async with AsyncClient(Client(bus)) as client:
            ticket = await client.publish(b"1")
            with pytest.raises(DependencyError, match="1 clip is without an outcome"):
                await client.wait(ticket, timeout_s=0.05)
            with pytest.raises(DependencyError, match="1 clip is without an outcome"):
                _ = [one async for one in client.results(timeout_s=0.05)]
            waiting = asyncio.create_task(client.wait(ticket))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.to_thread(say, bus, outcome(ticket.key))
            return await client.wait(ticket, timeout_s=PATIENCE_S)

    assert asyncio.run(run()).status == "answered"


def test_two_who_wait_for_a_ticket_do_not_both_get_its_outcome(bus: Bus) -> None:
    with Client(bus) as client, ThreadPoolExecutor(2) as threads:
        ticket = client.publish(b"1")
        waiting = [threads.submit(client.wait, ticket, timeout_s=PATIENCE_S) for _ in range(2)]
        say(bus, outcome(ticket.key))
        errors = [one.exception(PATIENCE_S) for one in waiting]
        assert [type(error) for error in errors if error is not None] == [OptionError]
        assert list(client.results()) == []


def test_who_waits_learns_that_the_ticket_was_forgotten(bus: Bus) -> None:
    async def run(client: AsyncClient) -> None:
        ticket = await client.publish(b"1")
        waiting = asyncio.create_task(client.wait(ticket))
        await asyncio.sleep(0.05)
        client.forget(ticket)
        with pytest.raises(OptionError, match="no outcome is expected"):
            await waiting

    with Client(bus) as client, ThreadPoolExecutor(1) as threads:
        ticket = client.publish(b"1")
        waiting = threads.submit(client.wait, ticket)
        client.forget(ticket)
        with pytest.raises(OptionError, match="no outcome is expected"):
            waiting.result(PATIENCE_S)
        asyncio.run(run(AsyncClient(client)))


def test_one_file_published_twice_has_an_outcome_for_each(bus: Bus, answering: Callable[[], None], tmp_path) -> None:
    answering()
    (tmp_path / "clip.ogg").write_bytes(b"good")
    with Client(bus) as client:
        tickets = [client.publish(tmp_path / "clip.ogg") for _ in range(2)]
        found = [result.ticket for result in client.results(timeout_s=PATIENCE_S)]
    assert len(set(tickets)) == 2
    assert sorted(one.key for one in found) == sorted(one.key for one in tickets)


def test_a_key_is_one_clips_until_its_outcome_was_handed_out(bus: Bus) -> None:
    with Client(bus) as client:
        ticket = client.publish(b"1", key="k")
        client.resume(ticket)
        for other in (lambda: client.publish(b"1", key="k"), lambda: client.resume(Ticket(key="k", published_ms=1))):
            with pytest.raises(OptionError, match="waited for already"):
                other()
        say(bus, outcome("k"))
        assert client.wait(ticket, timeout_s=PATIENCE_S).key == "k"
        again = client.publish(b"1", key="k", attempt=2)
        say(bus, outcome("k", attempt=2))
        assert client.wait(again, timeout_s=PATIENCE_S).attempt == 2


@pytest.mark.parametrize(("wrong", "why"), [({"key": ""}, "key is empty"), ({"attempt": 0}, "attempt is 0")])
def test_what_can_get_no_outcome_is_refused(bus: Bus, wrong: dict[str, Any], why: str) -> None:
    with Client(bus) as client, pytest.raises(OptionError, match=why):
        client.publish(b"1", **wrong)


def test_after_its_end_a_client_says_so(bus: Bus) -> None:
    client = Client(bus)
    client.close()
    client.close()
    for follow in (True, False):
        with pytest.raises(DependencyError, match="closed"):
            client.publish(b"1", follow=follow)
