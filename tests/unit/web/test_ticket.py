"""Whoever watches a ticket is told everything, however slow it is."""

import asyncio

from tunekin.messages import Answer
from tunekin_web.desk import Ticket


def test_an_answer_that_comes_while_a_stage_is_told_is_told_next():
    async def watched() -> list[tuple[int, bool]]:
        ticket = Ticket(name="t")
        seen = []
        async for count, answer in ticket.watch():
            seen.append((count, answer is not None))
            if len(seen) == 1:
                # Before the watcher asks for the next turn.
                ticket.stages.append("ranker")
                ticket.answer = Answer(clip_id="#", status="answered")
                ticket.tell()
        return seen

    assert asyncio.run(asyncio.wait_for(watched(), 10)) == [(0, False), (1, True)]
