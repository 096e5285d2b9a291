"""Stages of the tracks' lane in one thread, for what takes little: judging, writing, removing."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence

from tunekin import codec
from tunekin.local import LocalBus
from tunekin.messages import Message, TrackOutcome
from tunekin.service import Service
from tunekin_embedded.parts import Parts

__all__ = ["outcomes_of"]

# While the catalogue is locked by another program, its partition waits.
_PAUSE_S = 0.01


def outcomes_of(parts: Parts, services: Sequence[Service], messages: Iterable[Message]) -> Iterator[TrackOutcome]:
    """Send messages through stages, one after another.

    Parameters
    ----------
    parts : Parts
        What the lanes share.
    services : sequence of Service
        The stages, in order; the last one writes outcomes.
    messages : iterable of Message
        Each leads to one outcome.

    Yields
    ------
    TrackOutcome
        One for each message, in order.
    """
    # One partition and one thread: SQLite has one writer.
    bus = LocalBus(clock=parts.clock, partitions=1)
    producer, outcomes = bus.producer(), bus.consumer(["catalog.outcomes"], group="outcomes")
    with contextlib.ExitStack() as closing:
        workers = [closing.enter_context(contextlib.closing(parts.worker(bus, service))) for service in services]
        for message in messages:
            producer.send(codec.encode(message))
            done = False
            while not done:
                if not sum(worker.step(timeout_s=0) for worker in workers):
                    time.sleep(_PAUSE_S)
                for outcome in map(codec.decode, outcomes.poll(timeout_s=0, max_records=10)):
                    if isinstance(outcome, TrackOutcome):
                        done = True
                        yield outcome
                outcomes.commit()
