"""Records that are handled at once, on the bus in memory: nobody but the clock can tell them from one by one."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shared.test_worker import KilledError, World, answers, clip
from tunekin import codec
from tunekin.batching import Batching
from tunekin.errors import DependencyError, SilentAudioError
from tunekin.local import LocalBus
from tunekin.messages import Audio, ClipSubmitted, Message
from tunekin.ports import Record
from tunekin.service import Service
from tunekin.topics import DEAD_LETTERS, INLINE_LIMIT_BYTES
from tunekin.tracing import NO_TRACER, Span, Tracer
from tunekin.worker import Backoff, Worker

# Records of a partition after a start that are taken one at a time, and so many that each partition has had them.
MOST = 4
WARM = 24


def name_of(message: Message) -> str:
    assert isinstance(message, ClipSubmitted)
    return message.subject.key


@dataclass
class Store:
    """Counts how often each name was stored; several names at once, all or none."""

    bad: frozenset[str] = frozenset()
    down: Callable[[], bool] = lambda: False
    stored: Counter[str] = field(default_factory=Counter)
    at_once: list[list[str]] = field(default_factory=list)

    def handle(self, message: Message) -> list[Message]:
        return self.handle_all([message])[0]

    def handle_all(self, messages: Sequence[Message]) -> list[list[Message]]:
        names = [name_of(message) for message in messages]
        self.at_once.append(names)
        if self.down():
            raise DependencyError("the store is away")
        for name in names:
            if name in self.bad:
                raise SilentAudioError(f"{name} is bad")
        self.stored.update(names)
        return [[self._told(message)] for message in messages]

    def _told(self, message: Message) -> Audio:
        assert isinstance(message, ClipSubmitted)
        times = self.stored[message.subject.key]
        return Audio(subject=message.subject, pcm=bytes([times, 0]), sample_rate_hz=22_050, trace=message.trace)

    @property
    def service(self) -> Service:
        """Batches all but names in capitals."""
        return Service(
            role="test",
            topics=("clips",),
            handle=self.handle,
            batching=Batching(
                key=lambda message: None if name_of(message).isupper() else name_of(message), handle=self.handle_all
            ),
        )


class Batches(World):
    """A world with a worker that batches."""

    def __init__(self, tmp_path: Path, *, partitions: int = 1) -> None:
        super().__init__(tmp_path)
        self.bus = LocalBus(clock=self.clock, partitions=partitions)

    def runner(self, service: Service, *, tracer: Tracer = NO_TRACER, warm: bool = True) -> Worker:
        worker = Worker(
            service,
            consumer=self.bus.consumer(service.topics, group="test"),
            producer=self.bus.producer(),
            blobs=self.blobs,
            metrics=self.metrics,
            clock=self.clock,
            max_records=MOST,
            backoff=Backoff(first_s=1.0, factor=2.0, most_s=8.0),
            tracer=tracer,
        )
        if warm:
            self.send_all([clip(f"warm {number}") for number in range(WARM)])
            assert self.finish(worker) == WARM
            assert len(self.read("clips.audio")) == WARM
        return worker

    def send_all(self, records: Iterable[Record]) -> None:
        for record in records:
            self.send(record)

    def finish(self, worker: Worker) -> int:
        """Work until nothing is left, whatever has to wait; say how many records ended."""
        handled = worker.step(timeout_s=0)
        while any(worker._consumer.behind().values()) or worker.deferred:
            handled += worker.step(timeout_s=0)
            self.clock.now_s += 1.0
        return handled

    def told(self) -> list[tuple[str, int]]:
        """What was stored, and how often by then, in the order in which it is told."""
        reader = self.bus.consumer(["clips.audio"], group="reader of clips.audio")
        records = reader.poll(timeout_s=0, max_records=1_000)
        reader.commit()
        reader.close()
        return [((record.key or b"").decode(), codec.decode(record).pcm[0]) for record in records]

    def read(self, topic: str) -> list[Record]:
        reader = self.bus.consumer([topic], group=f"reader of {topic}")
        records = reader.poll(timeout_s=0, max_records=1_000)
        reader.commit()
        reader.close()
        return list(records)


@pytest.fixture
def world(tmp_path: Path) -> Batches:
    return Batches(tmp_path)


def test_records_that_follow_one_another_are_handled_at_once(world: Batches) -> None:
    store = Store()
    worker = world.runner(store.service)
    store.at_once.clear()
    world.send_all(map(clip, "abcd"))
    assert worker.step(timeout_s=0) == 4
    assert store.at_once == [list("abcd")]
    assert world.told() == [(name, 1) for name in "abcd"]
    assert worker.step(timeout_s=0) == 0, "they are committed"


def test_a_name_that_comes_twice_or_stands_alone_ends_a_batch(world: Batches) -> None:
    store = Store()
    worker = world.runner(store.service)
    for names, batches in (("abab", ["ab", "ab"]), ("aBcd", ["a", "B", "cd"]), ("aabb", ["a", "ab", "b"])):
        store.at_once.clear()
        world.send_all(map(clip, names))
        assert worker.step(timeout_s=0) == 4
        assert ["".join(batch) for batch in store.at_once] == batches
        assert "".join(name for name, _ in world.told()) == names


def test_records_that_a_dead_worker_may_have_had_are_taken_one_at_a_time(world: Batches) -> None:
    store = Store()
    worker = world.runner(store.service, warm=False)
    world.send_all(map(clip, "abcdefgh"))
    assert [worker.step(timeout_s=0) for _ in range(5)] == [1, 1, 1, 1, 4]
    assert ["".join(batch) for batch in store.at_once] == ["a", "b", "c", "d", "efgh"]


def test_one_that_fails_fails_alone_and_its_neighbours_are_stored_once(world: Batches) -> None:
    store = Store(bad=frozenset("b"))
    worker = world.runner(store.service)
    world.send_all([clip("a"), clip("b"), clip("c"), clip("d", topk="many")])
    assert world.finish(worker) == 4
    assert world.told() == [("a", 1), ("c", 1)]
    assert {answer.key: answer.error and answer.error.code for answer in answers(world)} == {
        "b": "audio.silent",
        "d": "option.invalid",
    }
    assert len(world.read(DEAD_LETTERS)) == 2
    results = {
        result: world.sample("tunekin_records_total", role="test", topic="clips", result=result)
        for result in ("done", "failed")
    }
    assert results == {"done": WARM + 2, "failed": 2}


def test_a_dependency_that_is_down_has_all_of_them_wait_in_order(world: Batches) -> None:
    outage = iter([True, True])
    store = Store()
    worker = world.runner(store.service)
    store.down = lambda: next(outage, False)
    world.send_all(map(clip, "abcd"))
    assert worker.step(timeout_s=0) == 0
    assert worker.deferred == {("clips", 0)}
    assert world.finish(worker) == 4
    assert world.told() == [(name, 1) for name in "abcd"]
    assert answers(world) == []
    assert world.sample("tunekin_retries_total", role="test", reason="dependency") == 2


def test_a_batch_that_kills_its_worker_costs_nobody_but_the_culprit(world: Batches) -> None:
    store = Store()

    def kill(messages: Sequence[Message]) -> list[list[Message]]:
        if "bad" in map(name_of, messages):
            raise KilledError
        return store.handle_all(messages)

    deadly = Service(
        role="test",
        topics=("clips",),
        handle=lambda message: kill([message])[0],
        batching=Batching(key=name_of, handle=kill),
    )

    worker = world.runner(deadly)
    world.send_all(map(clip, ["a", "bad", "c", "d"]))
    deaths = 0
    for _ in range(9):
        try:
            worker.step(timeout_s=0)
        except KilledError:
            deaths += 1
            worker.close()
            worker = world.runner(deadly, warm=False)
    assert deaths == 4, "together, and three times alone"
    assert world.told() == [("a", 1), ("c", 1), ("d", 1)]
    assert [answer.error and answer.error.code for answer in answers(world)] == ["record.killed_worker"]


def test_what_they_referred_to_is_deleted_once_all_are_done(world: Batches) -> None:
    store = Store()
    worker = world.runner(store.service)
    claims = [world.blobs.put(name.encode()) for name in "abc"]
    world.send_all(codec.with_claim(clip(name), claim) for name, claim in zip("abc", claims, strict=True))
    assert worker.step(timeout_s=0) == 3
    assert [len(batch) for batch in store.at_once[-1:]] == [3]
    assert list(world.folder.iterdir()) == []


@dataclass
class Noted:
    """A span that notes how it went."""

    key: bytes | None
    codes: list[str] = field(default_factory=list)
    ended: bool = False
    traceparent: str = ""

    def fail(self, code: str, error: BaseException) -> None:
        self.codes.append(code)

    def end(self) -> None:
        self.ended = True


class Notes:
    """A tracer that keeps the work on records."""

    def __init__(self) -> None:
        self.spans: list[Noted] = []

    def processing(self, records: Sequence[Record]) -> Span:
        self.spans.append(Noted(records[-1].key))
        return self.spans[-1]

    def sending(self, record: Record) -> Span:
        return Noted(record.key)


def test_each_record_has_a_span_and_its_share_of_the_time(world: Batches) -> None:
    store, notes = Store(bad=frozenset("c")), Notes()
    worker = world.runner(store.service, tracer=notes)

    def slow() -> bool:
        world.clock.now_s += 0.5
        return False

    store.down = slow
    notes.spans.clear()
    before = world.sample("tunekin_stage_seconds_sum", role="test", lane="clips")
    world.send_all(map(clip, "ab"))
    worker.step(timeout_s=0)
    assert world.sample("tunekin_stage_seconds_sum", role="test", lane="clips") == before + 0.5
    timelines = [codec.decode(record).trace.timeline() for record in world.read("clips.audio")]
    assert [timeline["test"] for timeline in timelines] == [250.0, 250.0]
    world.send_all(map(clip, "cd"))
    worker.step(timeout_s=0)
    assert [(span.key, span.codes, span.ended) for span in notes.spans] == [
        (b"a", [], True),
        (b"b", [], True),
        (b"c", ["audio.silent"], True),
        (b"d", [], True),
    ]


@dataclass(frozen=True)
class Came:
    """What comes out of records, by name and in order, and what is left in the store."""

    told: dict[str, list[int]]
    failed: list[tuple[str, str]]
    letters: list[bytes | None]
    stored: Counter[str]


NAMES = st.sampled_from("abcdefXY")
RECORDS = st.lists(st.tuples(NAMES, st.booleans()), max_size=24)


def came_of(records: Sequence[tuple[str, bool]], bad: frozenset[str], outages: set[int], *, batches: bool) -> Came:
    with tempfile.TemporaryDirectory() as folder:
        world = Batches(Path(folder), partitions=3)
        calls = iter(range(10_000))
        store = Store(bad=bad, down=lambda: next(calls) in outages)
        service = store.service
        worker = world.runner(service if batches else Service(role="test", topics=("clips",), handle=store.handle))
        world.send_all(clip(name, topk="3" if readable else "many") for name, readable in records)
        assert world.finish(worker) == len(records)
        told = defaultdict(list)
        for name, times in world.told():
            told[name].append(times)
        failed = sorted((answer.key, answer.error.code) for answer in answers(world) if answer.error)
        letters = sorted(record.key or b"" for record in world.read(DEAD_LETTERS))
        return Came(told=dict(told), failed=failed, letters=list(letters), stored=store.stored)


@given(records=RECORDS, bad=st.frozensets(NAMES, max_size=3), outages=st.sets(st.integers(0, 40), max_size=8))
def test_batches_come_to_the_same_as_one_by_one(records, bad, outages):
    assert came_of(records, bad, outages, batches=True) == came_of(records, bad, set(), batches=False)


def test_a_record_whose_output_can_not_be_put_keeps_what_it_refers_to(world: Batches, monkeypatch) -> None:
    claim = world.blobs.put(b"sound")

    def enlarge(message: Message) -> list[Message]:
        assert isinstance(message, ClipSubmitted)
        pcm = message.data * INLINE_LIMIT_BYTES
        return [Audio(subject=message.subject, pcm=pcm, sample_rate_hz=22_050, trace=message.trace)]

    def full(value: bytes) -> None:
        raise DependencyError("the disk is full")

    worker = world.runner(Service(role="test", topics=("clips",), handle=enlarge), warm=False)
    world.send(codec.with_claim(clip("a"), claim))
    with monkeypatch.context() as patched:
        patched.setattr(world.blobs, "put", full)
        assert worker.step(timeout_s=0) == 0
    assert world.finish(worker) == 1
    assert answers(world) == []
    assert [record.key for record in world.read("clips.audio")] == [b"a"]
