"""Records that are one piece of work together, on the bus in memory."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.shared.test_worker import World, work
from tunekin import codec
from tunekin.errors import DependencyError, EmptyCatalogueError
from tunekin.gathering import Gathering
from tunekin.local import LocalBus
from tunekin.messages import (
    Answer,
    ClipSubject,
    Label,
    Message,
    MoodAnswer,
    Partial,
    SearchFacts,
    StageTime,
    Trace,
    Versions,
)
from tunekin.ports import Record
from tunekin.service import Service
from tunekin.topics import DEAD_LETTERS
from tunekin.worker import Worker

TOPIC = "clips.partials"
DEADLINE_S = 5.0


def partial(clip: str, shard: int, *, shards: int = 2, started_s: float = 0.0) -> Partial:
    return Partial(
        subject=ClipSubject(clip_id=f"#{clip}", key=clip),
        shard=shard,
        shards=shards,
        tracks=1,
        mood=MoodAnswer(id=0, label=Label(ko="춤", en="dancing"), probability=1.0),
        recordings=(),
        matches=(),
        search=SearchFacts(mode="certified", scope="all", candidates=shard, compared_in_full=0, proven=True),
        versions=Versions(features="f", model="m", catalogue=1),
        trace=Trace(stages=(StageTime(stage=f"shard {shard}", started_ms=started_s * 1000, took_ms=1.0),)),
    )


def joined(partials: Sequence[Partial]) -> list[Message]:
    """An answer that says which shards it is of."""
    some = partials[0]
    return [
        Answer(
            clip_id=some.subject.clip_id,
            key=some.subject.key,
            status="answered",
            clip_sha256=",".join(str(one) for one in sorted({one.shard for one in partials})),
        )
    ]


class Merging(World):
    """A world with a worker that gathers."""

    def merger(self, handle=joined) -> Worker:
        gathering = Gathering(
            key=lambda one: (one.subject.key, one.subject.attempt),
            is_complete=lambda some: len({one.shard for one in some}) == some[0].shards,
            deadline_s=DEADLINE_S,
        )
        return Worker(
            Service(role="merge", topics=(TOPIC,), handle=handle, gathering=gathering),
            consumer=self.bus.consumer([TOPIC], group="merge"),
            producer=self.bus.producer(),
            blobs=self.blobs,
            metrics=self.metrics,
            clock=self.clock,
        )

    def say(self, *partials: Partial) -> None:
        for one in partials:
            self.send(codec.encode(one))

    def joined(self) -> list[tuple[str, str]]:
        """Clips that were answered, and of which shards, in order; each once."""
        reader = self.bus.consumer(["recommendations"], group="reader")
        messages = [codec.decode(record) for record in reader.poll(timeout_s=0, max_records=1_000)]
        reader.close()
        return [(one.key, one.clip_sha256) for one in messages if isinstance(one, Answer)]


@pytest.fixture
def world(tmp_path: Path) -> Merging:
    return Merging(tmp_path)


def test_a_group_is_handled_once_it_is_complete(world: Merging) -> None:
    merger = world.merger()
    world.say(partial("a", 1), partial("b", 1))
    work(merger)
    assert world.joined() == []
    world.say(partial("b", 2), partial("a", 2))
    work(merger)
    assert world.joined() == [("b", "1,2"), ("a", "1,2")]


def test_what_has_come_by_the_deadline_has_to_do(world: Merging) -> None:
    merger = world.merger()
    world.say(partial("a", 1))
    work(merger)
    world.clock.now_s += DEADLINE_S - 0.1
    work(merger)
    assert world.joined() == []
    world.clock.now_s += 0.1
    work(merger)
    assert world.joined() == [("a", "1")]


def test_what_comes_later_is_counted_and_answers_nothing(world: Merging) -> None:
    merger = world.merger()
    world.say(partial("a", 1))
    work(merger)
    world.clock.now_s += DEADLINE_S
    work(merger)
    world.say(partial("a", 2))
    work(merger)
    world.clock.now_s += DEADLINE_S
    work(merger)
    assert world.joined() == [("a", "1")]
    assert world.sample("tunekin_records_total", role="merge", topic=TOPIC, result="late") == 1


def test_what_waits_is_gathered_again_after_a_death(world: Merging) -> None:
    dies = world.merger()
    world.say(partial("done", 1), partial("waits", 1), partial("done", 2))
    work(dies)
    dies.close()
    heir = world.merger()
    world.say(partial("waits", 2))
    work(heir)
    answered = world.joined()
    assert answered[0] == ("done", "1,2")
    assert ("waits", "1,2") in answered


def test_what_is_done_is_not_gathered_again(world: Merging) -> None:
    first = world.merger()
    world.say(partial("a", 1), partial("a", 2))
    work(first)
    first.close()
    heir = world.merger()
    work(heir)
    world.clock.now_s += DEADLINE_S
    work(heir)
    assert world.joined() == [("a", "1,2")]


def test_what_the_deadline_ended_is_committed_though_nothing_new_came(world: Merging) -> None:
    first = world.merger()
    world.say(partial("a", 1))
    work(first)
    world.clock.now_s += DEADLINE_S
    work(first)
    first.close()
    heir = world.merger()
    work(heir)
    world.clock.now_s += DEADLINE_S
    work(heir)
    assert world.joined() == [("a", "1")]


def test_what_others_gather_now_is_dropped(world: Merging) -> None:
    world.bus = LocalBus(clock=world.clock, partitions=2)
    keys = [f"k{number}" for number in range(8)]
    merger = world.merger()
    world.say(*(partial(key, 1) for key in keys))
    work(merger)
    other = world.merger()
    for member in (other, merger):
        work(member)
    world.clock.now_s += DEADLINE_S
    # The first forgets what the second has; nobody answers twice.
    for member in (other, merger):
        work(member)
    assert sorted(world.joined()) == [(key, "1") for key in keys]


def test_groups_wait_for_what_is_down_and_are_lost_neither_by_that_nor_by_a_death(world: Merging) -> None:
    asked: list[str] = []
    is_down = True

    def needs(partials: Sequence[Partial]) -> list[Message]:
        asked.append(partials[0].subject.key)
        if is_down:
            raise DependencyError("the database is down")
        return joined(partials)

    merger = world.merger(needs)
    world.say(partial("a", 1), partial("b", 1), partial("a", 2), partial("b", 2), partial("late", 1))
    work(merger)
    assert asked == ["a"], "one is enough to see that it is down"
    assert merger.deferred == {(TOPIC, 0)}
    work(merger)
    assert asked == ["a"]
    world.clock.now_s += DEADLINE_S
    work(merger)
    assert asked == ["a", "a"]
    assert world.joined() == []
    merger.close()

    is_down = False
    heir = world.merger(needs)
    world.say(partial("late", 2))
    work(heir)
    assert world.joined() == [("a", "1,2"), ("b", "1,2"), ("late", "1,2")]
    assert not heir.deferred


def test_groups_that_waited_are_handled_once_it_is_back(world: Merging) -> None:
    answers = iter([DependencyError("down"), DependencyError("down"), None, None])

    def needs(partials: Sequence[Partial]) -> list[Message]:
        if (error := next(answers)) is not None:
            raise error
        return joined(partials)

    merger = world.merger(needs)
    world.say(partial("a", 1), partial("a", 2), partial("b", 1), partial("b", 2))
    for _ in range(3):
        work(merger)
        world.clock.now_s += 1.5
    assert world.joined() == [("a", "1,2"), ("b", "1,2")]
    assert not merger.deferred
    assert world.read(DEAD_LETTERS) == []
    assert world.sample("tunekin_retries_total", role="merge", reason="dependency") == 2
    merger.close()
    heir = world.merger()
    work(heir)
    assert len(world.read("recommendations")) == 2, "what is done is committed"


def test_a_group_that_cannot_work_fails_and_leaves_each_record_as_a_dead_letter(world: Merging) -> None:
    def refuse(partials: Sequence[Partial]) -> list[Message]:
        del partials
        msg = "no tracks"
        raise EmptyCatalogueError(msg, hint="add some")

    merger = world.merger(refuse)
    world.say(partial("a", 1), partial("a", 2))
    work(merger)
    outcomes = [codec.decode(record) for record in world.read("recommendations")]
    assert {one.status for one in outcomes if isinstance(one, Answer)} == {"failed"}
    assert len(world.read(DEAD_LETTERS)) == 2


def test_a_record_that_cannot_be_read_fails_and_its_neighbours_do_not(world: Merging) -> None:
    merger = world.merger()
    world.say(partial("a", 1))
    world.send(Record(topic=TOPIC, key=b"broken", value=b"?"))
    world.say(partial("a", 2))
    work(merger)
    assert ("a", "1,2") in world.joined()
    assert len(world.read(DEAD_LETTERS)) == 1


def test_a_newer_version_makes_its_partition_wait(world: Merging) -> None:
    merger = world.merger()
    record = codec.encode(partial("a", 1))
    newer = (record.value or b"").replace(b"Partial\x01", b"Partial\x7f", 1)
    world.send(Record(topic=TOPIC, key=record.key, value=newer))
    work(merger)
    assert merger.deferred == {(TOPIC, 0)}
    assert world.read(DEAD_LETTERS) == []


def test_the_timeline_is_that_of_the_shard_that_came_last(world: Merging) -> None:
    merger = world.merger()
    world.say(partial("a", 2, started_s=990.0), partial("a", 1, started_s=999.0))
    work(merger)
    (answer,) = [codec.decode(record) for record in world.read("recommendations")]
    assert isinstance(answer, Answer)
    assert {"shard 1", "merge"} <= set(answer.timeline)
    assert "shard 2" not in answer.timeline
