"""The tracks' lane of a distributed Tunekin from outside: records in, what comes of them back on another topic."""

import contextlib
from collections.abc import Iterable, Iterator

from tunekin import codec
from tunekin.kafka import KafkaBus, KafkaConsumer, KafkaProducer
from tunekin.messages import TrackOutcome
from tunekin.ports import Record

__all__ = ["Outcomes", "watching"]

# Tracks under way: enough for dozens of workers, and a bound on what the blob store holds of them.
_WINDOW = 128
_POLL_S = 0.2


class Outcomes:
    """Sends records and follows what comes of them; see `watching`.

    Parameters
    ----------
    consumer : KafkaConsumer
        Of ``catalog.outcomes``, from the present on.
    producer : KafkaProducer
        Where records go.
    """

    def __init__(self, consumer: KafkaConsumer, producer: KafkaProducer) -> None:
        self._consumer = consumer
        self._producer = producer

    def of(self, records: Iterable[Record | TrackOutcome]) -> Iterator[TrackOutcome]:
        """Send records, some at a time, until each has its outcome.

        Parameters
        ----------
        records : iterable of Record or TrackOutcome
            Records that are keyed by their tracks' ids; outcomes of tracks that there is nothing to wait for.

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
        waiting: dict[str, int] = {}
        more = True
        while more or waiting:
            deliveries = []
            while more and sum(waiting.values()) < _WINDOW:
                record = next(remaining, None)
                if record is None:
                    more = False
                elif isinstance(record, TrackOutcome):
                    yield record
                else:
                    key = (record.key or b"").decode()
                    waiting[key] = waiting.get(key, 0) + 1
                    deliveries.append(self._producer.send(record))
            if deliveries:
                self._producer.flush()
            for delivery in deliveries:
                delivery.result(0)
            for record in self._consumer.poll(timeout_s=_POLL_S if waiting else 0, max_records=_WINDOW):
                outcome = codec.decode(record)
                if isinstance(outcome, TrackOutcome) and waiting.get(outcome.track_id):
                    waiting[outcome.track_id] -= 1
                    if not waiting[outcome.track_id]:
                        del waiting[outcome.track_id]
                    yield outcome


@contextlib.contextmanager
def watching(bus: KafkaBus) -> Iterator[Outcomes]:
    """Watch the outcomes of tracks, so before anything is published.

    Parameters
    ----------
    bus : KafkaBus
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
