"""The tracks' lane of a distributed Tunekin from outside: records in, what comes of them back on another topic."""

import contextlib
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tunekin import codec
from tunekin.messages import TrackOutcome
from tunekin.ports import Bus, Consumer, Producer, Record

__all__ = ["Outcomes", "watching"]

# Tracks under way: enough for dozens of workers, and a bound on what the blob store holds of them.
_WINDOW = 128
_POLL_S = 0.2
# Longer than a worker takes to come back.
_QUIET_S = 30.0


def _nobody(_words: str) -> None:
    """Nobody wants to be told."""


class Outcomes:
    """Sends records and follows what comes of them; see `watching`.

    Parameters
    ----------
    consumer : Consumer
        Of ``catalog.outcomes``, from the present on.
    producer : Producer
        Where records go.
    """

    def __init__(self, consumer: Consumer, producer: Producer) -> None:
        self._consumer = consumer
        self._producer = producer

    def of(
        self,
        records: Iterable[Record | TrackOutcome],
        *,
        quiet: Callable[[str], None] = _nobody,
        patience_s: float = math.inf,
    ) -> Iterator[TrackOutcome]:
        """Send records, some at a time, until each has its outcome.

        Parameters
        ----------
        records : iterable of Record or TrackOutcome
            Records that are keyed by their tracks' ids; outcomes of tracks that there is nothing to wait for.
        quiet : callable
            Told what may be wrong where nothing has come back for long; once each time.
        patience_s : float
            How long nothing may come back until the rest, though it is under way, is not waited for.

        Yields
        ------
        TrackOutcome
            One for each track, in the order in which they are done.

        Raises
        ------
        DependencyError
            No broker answers.
        """
        remaining = iter(records)
        # Twice under one id: the first outcome is not yet that of the second record.
        waiting: Counter[str] = Counter()
        more, heard_s, is_told = True, time.monotonic(), False
        while (more or waiting) and time.monotonic() - heard_s <= patience_s:
            batch = list(itertools.islice(remaining, max(_WINDOW - waiting.total(), 0)))
            more = len(batch) > 0 or waiting.total() >= _WINDOW
            sent = [record for record in batch if isinstance(record, Record)]
            self._send(sent)
            waiting.update((record.key or b"").decode() for record in sent)
            yield from (outcome for outcome in batch if isinstance(outcome, TrackOutcome))
            for outcome in self._told(waiting):
                heard_s, is_told = time.monotonic(), False
                yield outcome
            if waiting and not is_told and time.monotonic() - heard_s > _QUIET_S:
                quiet(f"no outcome for {_QUIET_S:.0f} s; `tunekin status` says whether workers run, and what waits")
                is_told = True

    def _send(self, records: Iterable[Record]) -> None:
        """Send records, and see that all are delivered."""
        deliveries = [self._producer.send(record) for record in records]
        if deliveries:
            self._producer.flush()
        for delivery in deliveries:
            delivery.result(0)

    def _told(self, waiting: Counter[str]) -> Iterator[TrackOutcome]:
        """Read outcomes that are waited for, which are no longer then."""
        for record in self._consumer.poll(timeout_s=_POLL_S if waiting else 0, max_records=_WINDOW):
            outcome = codec.decode(record)
            if isinstance(outcome, TrackOutcome) and waiting[outcome.track_id]:
                waiting[outcome.track_id] -= 1
                yield outcome
        for track_id in [track_id for track_id, count in waiting.items() if not count]:
            del waiting[track_id]


@contextlib.contextmanager
def watching(bus: Bus) -> Iterator[Outcomes]:
    """Watch the outcomes of tracks, so before anything is published.

    Parameters
    ----------
    bus : Bus
        The brokers.

    Yields
    ------
    Outcomes
        To be used inside the ``with`` block.

    Raises
    ------
    DependencyError
        No broker answers.
    """
    with (
        contextlib.closing(bus.consumer(["catalog.outcomes"], group=None)) as consumer,
        contextlib.closing(bus.producer()) as producer,
    ):
        yield Outcomes(consumer, producer)
