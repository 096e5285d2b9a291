"""Tracks that are sent to workers, and what comes back of them."""

import time
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from tunekin import codec
from tunekin.errors import DependencyError, NotFoundError
from tunekin.local import LocalBus
from tunekin.messages import Problem, TrackOutcome, TrackWithdrawn
from tunekin.ports import Consumer, Delivery, Record
from tunekin_cli import remote_tracks
from tunekin_cli.backends import withdrawn
from tunekin_cli.remote_tracks import watching


def submitted(track_id: str) -> Record:
    return Record(topic="catalog.ingest", key=track_id.encode(), value=b"sound")


def outcome(track_id: str, status: str = "added") -> TrackOutcome:
    return TrackOutcome(track_id=track_id, source_uri="", status=status)  # type: ignore[arg-type]


def tell(bus: LocalBus, *outcomes: TrackOutcome) -> None:
    producer = bus.producer()
    for one in outcomes:
        producer.send(codec.encode(one))


def test_each_record_waits_for_its_own_outcome() -> None:
    bus = LocalBus(clock=time.time, partitions=1)
    tell(bus, outcome("a", "failed"))
    with watching(bus) as outcomes:
        told = outcomes.of([submitted("a"), outcome("known", "unchanged"), submitted("b"), submitted("a")])
        first = next(told)
        tell(bus, outcome("stranger"), outcome("b"), outcome("a"), outcome("a", "updated"))
        rest = list(told)
    assert first == outcome("known", "unchanged")
    assert rest == [outcome("b"), outcome("a"), outcome("a", "updated")]


def test_no_more_are_under_way_than_the_window_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_tracks, "_WINDOW", 2)
    bus = LocalBus(clock=time.time, partitions=1)
    worker = bus.consumer(["catalog.ingest"], group="worker")
    sent = []

    def records() -> Iterator[Record | TrackOutcome]:
        for track_id in "abcdefg":
            # Whenever the next one is asked for, all that was sent is worked off.
            under_way = [(record.key or b"").decode() for record in worker.poll(timeout_s=0, max_records=100)]
            worker.commit()
            sent.append(len(under_way))
            tell(bus, *map(outcome, under_way))
            yield submitted(track_id)
            yield outcome(f"known {track_id}", "unchanged")

    with watching(bus) as outcomes:
        told = outcomes.of(records())
        seen = [next(told).track_id for _ in range(13)]
        tell(bus, outcome("g"))
        seen += [one.track_id for one in told]
    assert sorted(seen) == sorted([*"abcdefg", *(f"known {track_id}" for track_id in "abcdefg")])
    assert max(sent) <= 2


def test_somebody_is_told_once_that_nothing_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_tracks, "_QUIET_S", 0.0)
    monkeypatch.setattr(remote_tracks, "_POLL_S", 0.001)
    bus = LocalBus(clock=time.time, partitions=1)
    said: list[str] = []

    def quiet(words: str) -> None:
        said.append(words)
        tell(bus, outcome("a"))

    with watching(bus) as outcomes:
        assert list(outcomes.of([submitted("a")], quiet=quiet)) == [outcome("a")]
    assert len(said) == 1
    assert "tunekin status" in said[0]


def test_what_does_not_come_in_time_is_not_waited_for() -> None:
    bus = LocalBus(clock=time.time, partitions=1)
    with watching(bus) as outcomes:
        told = outcomes.of([submitted("a"), outcome("known", "unchanged"), submitted("b")], patience_s=0.05)
        first = next(told)
        tell(bus, outcome("b"))
        assert [first, *told] == [outcome("known", "unchanged"), outcome("b")]


class Workers:
    """A bus on which each withdrawal has an outcome at once, if any."""

    def __init__(self, *outcomes: TrackOutcome) -> None:
        self.bus = LocalBus(clock=time.time, partitions=1)
        self.outcomes = outcomes
        self.sent: list[Record] = []

    def consumer(self, topics: Sequence[str], *, group: str | None) -> Consumer:
        return self.bus.consumer(topics, group=group)

    def producer(self) -> "Workers":
        return self

    def send(self, record: Record) -> Delivery:
        self.sent.append(record)
        tell(self.bus, *self.outcomes)
        return self.bus.producer().send(record)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def test_a_track_that_workers_have_taken_out_is_told_by_the_catalogues_version() -> None:
    workers = Workers(outcome("stranger"), replace(outcome("a", "removed"), catalogue_version=7))
    assert withdrawn(workers, "a", patience_s=60.0) == 7
    (record,) = workers.sent
    assert (record.topic, record.key) == ("catalog.ingest", b"a")
    assert isinstance(codec.decode(record), TrackWithdrawn)


def test_a_removal_that_takes_long_is_under_way() -> None:
    assert withdrawn(Workers(), "a", patience_s=0.01) is None
    # What was published before the removal comes before it.
    assert withdrawn(Workers(outcome("a", "updated")), "a", patience_s=60.0) is None


def test_a_track_that_somebody_else_has_taken_out_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="'a'"):
        withdrawn(Workers(outcome("a", "absent")), "a", patience_s=60.0)


def test_a_removal_that_fails_is_told_with_its_reason() -> None:
    failed = replace(outcome("a", "failed"), error=Problem(code="internal", message="a defect"))
    with pytest.raises(DependencyError, match="a defect"):
        withdrawn(Workers(failed), "a", patience_s=60.0)
