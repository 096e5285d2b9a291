import asyncio
import threading

import pytest

from tunekin.errors import DependencyError
from tunekin.messages import Answer, ClipOptions
from tunekin_web.desk import Desk, Question
from tunekin_web.limits import RateLimit
from tunekin_web.problems import MissingError, TooBusyError, TooManyError


class Lane:
    """Answers once it may."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.threads: set[int] = set()
        self.closed = 0

    def answer(self, data, *, options, name, heard):
        assert self.go.wait(10)
        self.threads.add(threading.get_ident())
        if data == b"down":
            raise DependencyError("the catalogue is down", hint="wait")
        for stage in ("decode", "ranker"):
            heard(stage)
        return Answer(clip_id=name, status="answered", clip_sha256=data.decode())

    def answer_track(self, track_id, *, options, name, heard):
        return Answer(clip_id=name, status="answered", clip_sha256=track_id)

    def close(self) -> None:
        self.closed += 1


def desk_of(lane: Lane, *, clock=lambda: 0.0, max_clips=3, max_bytes=100, keep_s=10.0) -> Desk:
    return Desk(lambda: lane, clock=clock, max_clips=max_clips, max_bytes=max_bytes, keep_s=keep_s)


def ask(desk: Desk, data: bytes = b"a"):
    with desk.place(len(data)) as place:
        return place.take(Question(options=ClipOptions(), data=data))


async def last(ticket):
    seen = [state async for state in ticket.watch()]
    return seen[-1]


def test_every_clip_that_was_taken_is_answered_in_one_thread_and_its_stages_are_told():
    lane = Lane()

    async def run():
        async with desk_of(lane, max_clips=200, max_bytes=10_000).open() as desk:
            tickets = [ask(desk, b"%d" % number) for number in range(200)]
            answers = [await last(ticket) for ticket in tickets]
            return tickets, answers, desk.waiting

    tickets, answers, waiting = asyncio.run(run())
    assert [answer.clip_sha256 for _, answer in answers] == [str(number) for number in range(200)]
    assert all(ticket.stages == ["decode", "ranker"] for ticket in tickets)
    assert (waiting, len(lane.threads), lane.closed) == (0, 1, 1)


def test_a_full_desk_refuses_and_says_when_to_come_again_and_a_place_left_is_free_again():
    lane = Lane()
    lane.go.clear()

    async def run():
        async with desk_of(lane).open() as desk:
            tickets = [ask(desk) for _ in range(2)]
            with desk.place(5), pytest.raises(TooBusyError) as full, desk.place(1):
                pass
            tickets.append(ask(desk))
            lane.go.set()
            return full.value, [await last(ticket) for ticket in tickets]

    full, answers = asyncio.run(run())
    assert full.retry_after_s > 0
    assert {answer.status for _, answer in answers} == {"answered"}


def test_the_bytes_that_wait_are_bounded_too_but_one_clip_always_fits():
    lane = Lane()
    lane.go.clear()

    async def run():
        async with desk_of(lane, max_bytes=10).open() as desk:
            ask(desk, b"a" * 50)
            with pytest.raises(TooBusyError), desk.place(1):
                pass
            lane.go.set()

    asyncio.run(run())


def test_a_clip_that_cannot_be_answered_fails_with_the_reason_and_the_next_one_is_answered():
    lane = Lane()

    async def run():
        async with desk_of(lane).open() as desk:
            return [await last(ask(desk, data)) for data in (b"down", b"up")]

    (_, failed), (_, answered) = asyncio.run(run())
    assert (failed.status, failed.error.code) == ("failed", "dependency.unavailable")
    assert answered.status == "answered"


def test_what_waits_at_the_end_is_answered_first():
    lane = Lane()

    async def run():
        async with desk_of(lane).open() as desk:
            ticket = ask(desk)
        await asyncio.sleep(0)
        return ticket

    assert asyncio.run(run()).answer.status == "answered"


def test_an_answer_is_forgotten_in_time():
    now = [0.0]

    async def run():
        async with desk_of(Lane(), clock=lambda: now[0]).open() as desk:
            ticket = ask(desk)
            await last(ticket)
            now[0] = 9.0
            assert desk.ticket(ticket.name) is ticket
            now[0] = 11.0
            with pytest.raises(MissingError):
                desk.ticket(ticket.name)

    asyncio.run(run())


def test_an_address_that_asks_too_often_waits_and_others_do_not():
    now = [0.0]
    limit = RateLimit(8, clock=lambda: now[0])
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooManyError) as refused:
        limit.take("a")
    limit.take("b")
    now[0] += refused.value.retry_after_s
    limit.take("a")


def test_no_limit_is_none():
    limit = RateLimit(0, clock=lambda: 0.0)
    for _ in range(1_000):
        limit.take("a")


def test_several_answerers_work_side_by_side():
    together = threading.Barrier(3)

    class Slow(Lane):
        def answer(self, data, *, options, name, heard):
            together.wait(10)
            return super().answer(data, options=options, name=name, heard=heard)

    lane = Slow()

    async def run():
        desk = Desk(lambda: lane, answerers=3, clock=lambda: 0.0, max_clips=9, max_bytes=100, keep_s=10.0)
        async with desk.open():
            return [await last(ticket) for ticket in [ask(desk) for _ in range(6)]]

    assert all(answer.status == "answered" for _, answer in asyncio.run(run()))
    assert (len(lane.threads), lane.closed) == (3, 3)
