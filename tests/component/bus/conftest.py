"""The two buses: in this process, and on a real broker."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from tunekin.kafka import KafkaBus, create_missing
from tunekin.local import LocalBus
from tunekin.ports import Bus, Consumer, Producer
from tunekin.topics import TOPICS

PARTITIONS = 4


class ClosingBus:
    """A bus whose clients are closed together."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.clients: list[Producer | Consumer] = []

    def producer(self) -> Producer:
        self.clients.append(producer := self.bus.producer())
        return producer

    def consumer(self, topics: Sequence[str], *, group: str | None) -> Consumer:
        self.clients.append(consumer := self.bus.consumer(topics, group=group))
        return consumer

    def close(self) -> None:
        for client in reversed(self.clients):
            client.close()


@pytest.fixture(params=["memory", "kafka"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    """A bus with one empty topic, ``clips``, of four partitions."""
    if request.param == "memory":
        opened = ClosingBus(LocalBus(partitions=PARTITIONS))
    else:
        settings = request.getfixturevalue("kafka_settings")
        create_missing(settings, [replace(TOPICS["clips"], partitions=PARTITIONS)])
        opened = ClosingBus(KafkaBus(settings))
    yield opened
    opened.close()
