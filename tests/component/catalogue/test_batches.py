"""The role that writes the catalogue stores tracks in batches: the same comes of them as of one at a time."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, select

from tests.component.catalogue.making import empty, frames_of
from tests.component.catalogue.test_answers import answered
from tunekin import codec
from tunekin.blobs import FsspecBlobStore
from tunekin.catalogue.database import reading
from tunekin.catalogue.models import AnswerRow, FeaturesRow, StateRow, TrackMoodRow, TrackRow
from tunekin.catalogue.records import Entry, Written
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.features import frames_to_bytes
from tunekin.kafka import KafkaBus, create_missing
from tunekin.local import LocalBus
from tunekin.messages import Classified, Message, Track, TrackSubject, Withdrawal
from tunekin.metrics import WorkerMetrics
from tunekin.ports import Bus
from tunekin.topics import DEAD_LETTERS, TOPICS
from tunekin.worker import Worker
from tunekin_ingest.service import write_service

TOPIC = "tracks.classified"
READS = (TOPIC, "recommendations")
TOLD = ("catalog.changes", "catalog.outcomes", DEAD_LETTERS)
MOST = 8
# More than any column holds, so that the transaction fails after it has begun.
NO_YEAR = 2**63


class Watched(CatalogueWriter):
    """A writer that notes how many tracks each transaction took."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, clock=lambda: 1_000.0)
        self.sizes: list[int] = []

    def upsert(self, entries: Sequence[Entry]) -> list[Written]:
        self.sizes.append(len(entries))
        return super().upsert(entries)


@dataclass
class Writing:
    """A worker of the role, and what it tells; its first records, which run one at a time, are done."""

    engine: Engine
    bus: Bus
    folder: Path
    batches: bool = True
    # How long nothing has to come until nothing will.
    quiet_s: float = 0.0

    def __post_init__(self) -> None:
        self.writer = Watched(self.engine)
        service = write_service(self.writer, topics=READS)
        self.producer = self.bus.producer()
        self.worker = Worker(
            service if self.batches else replace(service, batching=None),
            consumer=self.bus.consumer(READS, group="writer"),
            producer=self.bus.producer(),
            blobs=FsspecBlobStore((self.folder / "blobs").as_uri(), readable=()),
            metrics=WorkerMetrics(CollectorRegistry()),
            clock=lambda: 1_000.0,
            max_records=MOST,
        )
        self.readers = {topic: self.bus.consumer([topic], group=None) for topic in TOLD}
        self.write([withdrawal("nobody")] * MOST + [answered()] * MOST)

    def write(self, messages: Sequence[Message]) -> dict[str, Any]:
        """Send messages and work until each has ended; what is told: values in order of each key, codes of failures."""
        deliveries = [self.producer.send(codec.encode(message)) for message in messages]
        self.producer.flush()
        for delivery in deliveries:
            delivery.result(0)
        self.writer.sizes.clear()
        left = len(messages)
        while left:
            left -= self.worker.step(timeout_s=self.quiet_s)
        told: dict[str, Any] = {topic: defaultdict(list) for topic in TOLD}
        for topic, reader in self.readers.items():
            while records := reader.poll(timeout_s=self.quiet_s, max_records=1_000):
                for record in records:
                    # A letter's value is the record itself.
                    value = record.value if topic != DEAD_LETTERS else dict(record.headers)["dl_code"]
                    told[topic][(record.key or b"").decode()].append(value)
        return told

    def statuses(self, told: dict[str, Any]) -> dict[str, list[str]]:
        """Of each track that was told of."""
        return {key: [json.loads(one)["status"] for one in values] for key, values in told["catalog.outcomes"].items()}

    def held(self) -> list[Any]:
        """All that the catalogue holds, but the first records' doing."""
        with reading(self.engine) as connection:
            return [
                sorted(map(tuple, connection.execute(select(*table.columns))), key=repr)
                for table in (row.__table__ for row in ROWS)
            ]

    def close(self) -> None:
        self.worker.close()
        self.producer.close()
        for reader in self.readers.values():
            reader.close()


ROWS = (TrackRow, FeaturesRow, TrackMoodRow, AnswerRow, StateRow)


def classified(track_id: str, *, version: str = "f2", frames: int = 3, year: int = 0, **track: Any) -> Classified:
    return Classified(
        subject=TrackSubject(track=Track(track_id=track_id, year=year, **track)),
        feature_version=version,
        frames=frames_to_bytes(frames_of(frames)) if frames else b"odd",
        summary=(1.0, 2.0),
        model_version="m1",
        probabilities=(0.25, 0.75),
    )


def withdrawal(track_id: str) -> Withdrawal:
    return Withdrawal(subject=TrackSubject(track=Track(track_id=track_id)), before="writer")


@pytest.fixture(params=["memory", "servers"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Writing]:
    """One partition of each topic and a catalogue, in this process and on real servers."""
    in_memory = request.param == "memory"
    engine = request.getfixturevalue("migrated_sqlite" if in_memory else "migrated_mariadb")
    empty(engine)
    if in_memory:
        made = Writing(engine, LocalBus(partitions=1), tmp_path)
    else:
        kafka = request.getfixturevalue("kafka_settings")
        create_missing(kafka, [replace(TOPICS[topic], partitions=1) for topic in (*READS, *TOLD)])
        made = Writing(engine, KafkaBus(kafka), tmp_path, quiet_s=0.3)
    yield made
    made.close()


def test_tracks_are_stored_several_in_a_transaction(world):
    told = world.write([classified(f"t{number}") for number in range(24)])
    assert sum(world.writer.sizes) == 24
    assert max(world.writer.sizes) > 1
    assert world.statuses(told) == {f"t{number}": ["added"] for number in range(24)}
    assert [len(rows) for rows in world.held()[:3]] == [24] * 3
    versions = [json.loads(value)["catalogue_version"] for (value,) in told["catalog.changes"].values()]
    assert sorted(versions) == list(range(1, 25))


@pytest.mark.parametrize("bad", [{"frames": 0}, {"year": NO_YEAR}], ids=["of no use", "no row"])
def test_a_track_that_can_not_be_stored_fails_alone(world, bad):
    told = world.write([classified("a"), classified("b"), classified("bad", **bad), classified("c")])
    assert world.statuses(told) == {"a": ["added"], "b": ["added"], "bad": ["failed"], "c": ["added"]}
    assert len(told[DEAD_LETTERS]) == 1
    assert sorted(told["catalog.changes"]) == ["a", "b", "c"]
    assert [row[0] for row in world.held()[0]] == ["a", "b", "c"]


def test_what_is_withdrawn_between_two_writes_of_it_comes_back_and_what_is_withdrawn_last_does_not(world):
    told = world.write(
        [classified("a"), classified("b"), withdrawal("a"), classified("a"), withdrawal("b"), withdrawal("b")]
    )
    assert world.statuses(told) == {"a": ["added", "removed", "added"], "b": ["added", "removed", "absent"]}
    assert [row[0] for row in world.held()[0]] == ["a"]


# --- the same as one by one -------------------------------------------------------------------------------------------

TRACKS = st.sampled_from(["a", "b", "c", "d", "e"])
MESSAGES = st.lists(
    st.one_of(
        st.builds(
            classified,
            TRACKS,
            version=st.sampled_from(["f1", "f2"]),
            frames=st.sampled_from([1, 2, 3, 3, 3, 0]),
            year=st.sampled_from([0, 1994, 2026, NO_YEAR]),
            content_sha256=st.sampled_from(["", "1", "2"]),
        ),
        st.builds(withdrawal, TRACKS),
        st.builds(answered, st.sampled_from(["/app#1", "/app#2"]), attempt=st.integers(1, 2)),
    ),
    max_size=16,
)


@pytest.fixture
def both(engine, tmp_path) -> Iterator[tuple[Writing, Writing]]:
    made = [
        Writing(engine, LocalBus(clock=lambda: 1_000.0, partitions=1), tmp_path, batches=batches)
        for batches in (True, False)
    ]
    yield made[0], made[1]
    for one in made:
        one.close()


def came_of(world: Writing, messages: Sequence[Message]) -> tuple[list[Any], dict[str, Any]]:
    """What a catalogue holds that was empty before, and what is told."""
    empty(world.engine)
    told = world.write(messages)
    return world.held(), told


# Each example begins with an empty catalogue.
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(messages=MESSAGES)
def test_batches_come_to_the_same_as_one_by_one(both, messages):
    batches, one_by_one = both
    assert came_of(batches, messages) == came_of(one_by_one, messages)


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_batches_come_to_the_same_on_a_server(both):
    messages: list[Message] = [
        *(classified(track_id, content_sha256="1") for track_id in "abcd"),
        *(classified(track_id, content_sha256="2", version="f1") for track_id in "aabb"),
        withdrawal("c"),
        *(classified(track_id, year=NO_YEAR if track_id == "e" else 1994, frames=5) for track_id in "bcdefg"),
        answered("/app#1"),
        *(classified(track_id, frames=int(track_id != "h")) for track_id in "ghij"),
        withdrawal("g"),
    ]
    batches, one_by_one = both
    assert came_of(batches, messages) == came_of(one_by_one, messages)
    assert max(batches.writer.sizes) > 1 == max(one_by_one.writer.sizes)
