"""Updates are confirmed when they are done, and worked on once."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin_telegram.updates import Ledger, attend


@dataclass(frozen=True)
class Update:
    update_id: int


class Telegram:
    """Keeps updates until a higher number is named."""

    def __init__(self, numbers):
        self.kept = [Update(number) for number in numbers]
        self.asked = []

    async def fetch(self, offset, wait_s):
        self.asked.append((offset, wait_s))
        self.kept = [update for update in self.kept if update.update_id >= offset]
        if not self.kept and wait_s:
            await asyncio.Event().wait()
        return self.kept[:100]


def test_the_offset_is_the_first_that_is_not_done():
    ledger = Ledger()
    assert [ledger.take(number) for number in (7, 8, 9)] == [True, True, True]
    ledger.done(8)
    assert ledger.offset == 7
    assert [ledger.take(number) for number in (7, 8, 9)] == [False, False, False]
    ledger.done(7)
    assert ledger.offset == 9
    ledger.done(9)
    assert (ledger.offset, ledger.take(9), ledger.take(10)) == (10, False, True)


@given(st.lists(st.integers(1, 30)), st.data())
def test_an_update_is_taken_once_and_none_is_confirmed_before_it_is_done(numbers, data):
    ledger, taken = Ledger(), []
    done: set[int] = set()
    for number in sorted(set(numbers)):
        if ledger.take(number):
            taken.append(number)
        if (under_way := sorted(set(taken) - done)) and data.draw(st.booleans()):
            finished = data.draw(st.sampled_from(under_way))
            ledger.done(finished)
            done.add(finished)
        assert all(number in done for number in taken if number < ledger.offset)
        assert not any(ledger.take(number) for number in taken)
    assert len(taken) == len(set(numbers))


@pytest.mark.parametrize("most", [1, 3, 64])
def test_every_update_is_handled_once_and_no_more_than_so_many_at_a_time(most):
    handled, under_way, widest = [], 0, 0
    telegram = Telegram(range(5, 25))

    async def run():
        stop = asyncio.Event()

        async def handle(update):
            nonlocal under_way, widest
            under_way += 1
            widest = max(widest, under_way)
            await asyncio.sleep(0.001 * (update.update_id % 3))
            handled.append(update.update_id)
            under_way -= 1
            if len(handled) == 20:
                stop.set()

        await attend(telegram.fetch, handle, most=most, stop=stop)

    asyncio.run(run())
    assert sorted(handled) == list(range(5, 25))
    assert widest <= most
    assert telegram.kept == []


def test_what_is_under_way_at_the_end_is_finished_and_confirmed():
    telegram, handled = Telegram([1]), []

    async def run():
        stop = asyncio.Event()

        async def handle(update):
            stop.set()
            await asyncio.sleep(0.05)
            handled.append(update.update_id)

        await attend(telegram.fetch, handle, most=4, stop=stop)

    asyncio.run(run())
    assert (handled, telegram.kept) == ([1], [])


def test_what_a_cancelled_process_was_working_on_is_not_confirmed():
    telegram = Telegram([1, 2])

    async def run():
        begun = asyncio.Event()

        async def handle(update):
            if update.update_id == 1:
                begun.set()
                await asyncio.Event().wait()

        working = asyncio.create_task(attend(telegram.fetch, handle, most=4, stop=asyncio.Event()))
        await begun.wait()
        # Long enough for another look at what there is.
        while len(telegram.asked) < 3:  # noqa: ASYNC110 -- what is waited for tells nobody
            await asyncio.sleep(0.01)
        working.cancel()

    asyncio.run(run())
    assert [update.update_id for update in telegram.kept] == [1, 2]
