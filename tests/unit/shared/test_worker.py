"""The worker loop on the bus in memory: done, failed, deferred."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tunekin import codec
from tunekin.blobs import FsspecBlobStore
from tunekin.errors import DependencyError, SilentAudioError, UnsupportedVersionError
from tunekin.local import LocalBus
from tunekin.messages import Answer, Audio, CatalogueChange, ClipSubject, ClipSubmitted, Message, TrackOutcome
from tunekin.metrics import WorkerMetrics
from tunekin.ports import Producer, Record
from tunekin.service import Follower, Service
from tunekin.topics import DEAD_LETTERS, INLINE_LIMIT_BYTES
from tunekin.worker import Backoff, Worker


class Clock:
    """Time of day that moves when told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class BrokenProducer:
    """Takes records and delivers none."""

    def send(self, record: Record) -> Future[Record]:
        del record
        future: Future[Record] = Future()
        future.set_exception(ConnectionError("the broker is gone"))
        return future

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class World:
    """A bus, a folder and a worker around a handler."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = Clock()
        self.bus = LocalBus(clock=self.clock, partitions=1)
        self.folder = tmp_path / "blobs"
        self.blobs = FsspecBlobStore(self.folder.as_uri(), readable=[(tmp_path / "music").as_uri()])
        self.registry = CollectorRegistry()
        self.metrics = WorkerMetrics(self.registry)

    def worker(
        self,
        handle: Callable[[Message], Iterable[Message]],
        *,
        topics: tuple[str, ...] = ("clips",),
        follower: Follower | None = None,
        producer: Producer | None = None,
    ) -> Worker:
        followers = [(follower, self.bus.consumer(follower.topics, group=None))] if follower else []
        return Worker(
            Service(role="test", topics=topics, handle=handle),
            consumer=self.bus.consumer(topics, group="-".join(topics)),
            producer=producer or self.bus.producer(),
            blobs=self.blobs,
            metrics=self.metrics,
            clock=self.clock,
            followers=followers,
            backoff=Backoff(first_s=1.0, factor=2.0, most_s=8.0),
        )

    def send(self, record: Record) -> None:
        self.bus.producer().send(record)

    def read(self, topic: str) -> list[Record]:
        """All records of a topic, read by a group of its own."""
        return list(self.bus.consumer([topic], group=f"reader of {topic}").poll(timeout_s=0, max_records=1_000))

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def work(worker: Worker) -> int:
    """Make passes until there is nothing to do; say how many records were handled."""
    return sum(iter(lambda: worker.step(timeout_s=0), 0))


def clip(key: str = "k", value: bytes = b"data", **headers: str) -> Record:
    return Record(
        topic="clips",
        key=key.encode(),
        value=value,
        headers=tuple((f"ce_{name}", text.encode()) for name, text in headers.items()),
    )


def test_it_is_told_how_far_the_worker_is_behind_what_is_in_its_hands_included(world):
    for number in range(40):
        world.send(clip(key=str(number)))
    told: list[float] = []

    def handle(message: Message) -> Iterable[Message]:
        told.append(world.sample("tunekin_lag_records", group="test", topic="clips"))
        return ()

    worker = world.worker(handle)
    # The first ones run one at a time.
    while worker.step(timeout_s=0):
        world.clock.now_s += 1.0
    assert (told[0], told[15], told[16], told[-1]) == (40, 25, 24, 8)
    worker.step(timeout_s=0)
    assert world.sample("tunekin_lag_records", group="test", topic="clips") == 0


def test_outcomes_and_retries_are_counted(world):
    failing = iter([DependencyError("down"), None, SilentAudioError("nothing")])

    def handle(message: Message) -> Iterable[Message]:
        error = next(failing)
        if error is not None:
            raise error
        return [Answer(clip_id="c", status="answered", key="k")]

    worker = world.worker(handle)
    world.send(clip(publishedms=str(round(world.clock.now_s * 1000) - 4_000)))
    world.send(clip(attempt="2"))
    work(worker)
    world.clock.now_s += 1.0
    work(worker)
    assert world.sample("tunekin_retries_total", role="test", reason="dependency") == 1
    assert world.sample("tunekin_retries_total", role="test", reason="replay") == 1
    assert [
        world.sample("tunekin_outcomes_total", role="test", lane="clips", status=status)
        for status in ("answered", "failed")
    ] == [1, 1]
    assert world.sample("tunekin_outcome_seconds_count", lane="clips") == 2
    assert world.sample("tunekin_outcome_seconds_sum", lane="clips") >= 5


def to_audio(message: Message, pcm: bytes = b"\x00\x00") -> Iterable[Message]:
    assert isinstance(message, ClipSubmitted)
    return [Audio(subject=message.subject, pcm=pcm, sample_rate_hz=22_050, trace=message.trace)]


def answers(world: World) -> list[Answer]:
    messages = [codec.decode(record) for record in world.read("recommendations")]
    found = [message for message in messages if isinstance(message, Answer)]
    assert len(found) == len(messages)
    return found


def test_what_a_handler_returns_is_on_its_topic(world: World) -> None:
    world.send(clip())
    worker = world.worker(to_audio)
    assert worker.step(timeout_s=0) == 1
    (record,) = world.read("clips.audio")
    message = codec.decode(record)
    assert isinstance(message, Audio)
    assert message.subject.clip_id == "/tunekin#k"


def test_each_stage_adds_its_time_to_the_trace(world: World) -> None:
    def slow(message: Message) -> Iterable[Message]:
        world.clock.now_s += 0.25
        return to_audio(message)

    world.send(clip())
    world.clock.now_s += 0.75
    world.worker(slow).step(timeout_s=0)
    message = codec.decode(world.read("clips.audio")[0])
    assert isinstance(message, Audio)
    assert message.trace.timeline() == {"test": 250.0, "waiting": 750.0, "total": 1000.0}


def test_a_clip_that_cannot_work_gets_a_failure_and_leaves_a_dead_letter(world: World) -> None:
    def refuse(message: Message) -> Iterable[Message]:
        del message
        msg = "the clip is silent"
        raise SilentAudioError(msg, hint="record again")

    world.send(clip(value=b"\x00original\xff", topk="3"))
    worker = world.worker(refuse)
    assert worker.step(timeout_s=0) == 1
    (answer,) = answers(world)
    assert (answer.clip_id, answer.key, answer.status) == ("/tunekin#k", "k", "failed")
    assert answer.error is not None
    assert (answer.error.code, answer.error.hint) == ("audio.silent", "record again")
    assert answer.timeline["test"] == 0.0
    (letter,) = world.read(DEAD_LETTERS)
    assert letter.key == b"clips/0/0"
    assert letter.value == b"\x00original\xff"
    headers = dict(letter.headers)
    assert headers["ce_topk"] == b"3"
    assert headers["dl_code"] == b"audio.silent"
    assert headers["dl_stage"] == b"test"
    assert headers["dl_key"] == b"k"
    assert worker.step(timeout_s=0) == 0, "it is committed"
    assert world.sample("tunekin_failures_total", role="test", lane="clips", code="audio.silent") == 1


def test_a_record_that_breaks_its_contract_fails_and_its_neighbours_do_not(world: World) -> None:
    for record in (clip("a"), clip("b", topk="many"), clip("c")):
        world.send(record)
    assert work(world.worker(to_audio)) == 3
    assert [record.key for record in world.read("clips.audio")] == [b"a", b"c"]
    (answer,) = answers(world)
    assert answer.key == "b"
    assert answer.error is not None
    assert answer.error.code == "option.invalid"


def test_a_defect_in_a_handler_fails_its_record_only(world: World) -> None:
    def divide(message: Message) -> Iterable[Message]:
        assert isinstance(message, ClipSubmitted)
        if message.subject.key == "bad":
            return [message for _ in range(1 // 0)]
        return to_audio(message)

    world.send(clip("bad"))
    world.send(clip("good"))
    assert work(world.worker(divide)) == 2
    (answer,) = answers(world)
    assert answer.error is not None
    assert answer.error.code == "internal"
    assert "ZeroDivisionError" in answer.error.message
    assert len(world.read("clips.audio")) == 1


def test_a_track_that_cannot_work_gets_a_failure_on_the_catalogues_outcomes(world: World) -> None:
    world.send(Record(topic="catalog.ingest", key=b"t1", value=b"x", headers=(("ce_attempt", b"zero"),)))
    world.worker(to_audio, topics=("catalog.ingest",)).step(timeout_s=0)
    outcome = codec.decode(world.read("catalog.outcomes")[0])
    assert isinstance(outcome, TrackOutcome)
    assert (outcome.track_id, outcome.status) == ("t1", "failed")


def test_a_dependency_that_is_down_makes_the_record_wait_and_nothing_fails(world: World) -> None:
    down = True

    def depend(message: Message) -> Iterable[Message]:
        if down:
            msg = "the database does not answer"
            raise DependencyError(msg)
        return to_audio(message)

    world.send(clip("a"))
    world.send(clip("b"))
    worker = world.worker(depend)
    assert worker.step(timeout_s=0) == 0
    assert worker.deferred == {("clips", 0)}
    assert world.sample("tunekin_worker_ready", role="test") == 0
    assert worker.step(timeout_s=0) == 0, "it pauses"
    down = False
    assert worker.step(timeout_s=0) == 0, "it still pauses"
    world.clock.now_s += 1.0
    assert work(worker) == 2
    assert [record.key for record in world.read("clips.audio")] == [b"a", b"b"]
    assert world.read(DEAD_LETTERS) == []
    assert worker.deferred == frozenset()
    assert world.sample("tunekin_worker_ready", role="test") == 1


def test_pauses_grow_while_a_dependency_stays_down(world: World) -> None:
    tries: list[float] = []

    def depend(message: Message) -> Iterable[Message]:
        del message
        tries.append(world.clock.now_s)
        msg = "still down"
        raise DependencyError(msg)

    world.send(clip())
    worker = world.worker(depend)
    for _ in range(40):
        worker.step(timeout_s=0)
        world.clock.now_s += 1.0
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert gaps[:5] == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_records_before_the_one_that_waits_are_delivered_and_committed(world: World) -> None:
    def depend(message: Message) -> Iterable[Message]:
        assert isinstance(message, ClipSubmitted)
        if message.subject.key == "b":
            msg = "down"
            raise DependencyError(msg)
        return to_audio(message)

    for key in ("a", "b", "c"):
        world.send(clip(key))
    worker = world.worker(depend)
    assert work(worker) == 1
    worker.close()
    seen: list[str] = []

    def record(message: Message) -> Iterable[Message]:
        assert isinstance(message, ClipSubmitted)
        seen.append(message.subject.key)
        return []

    work(world.worker(record))
    assert seen == ["b", "c"]


def test_a_message_of_a_newer_version_makes_the_worker_unready(world: World) -> None:
    def newer(message: Message) -> Iterable[Message]:
        del message
        msg = "version 2"
        raise UnsupportedVersionError(msg)

    world.send(clip())
    worker = world.worker(newer)
    worker.step(timeout_s=0)
    assert world.sample("tunekin_worker_ready", role="test") == 0
    assert world.read(DEAD_LETTERS) == []


def test_a_value_too_large_for_a_record_travels_by_claim_check_and_is_deleted_once_used(world: World) -> None:
    pcm = b"\x01\x02" * INLINE_LIMIT_BYTES
    world.send(clip())
    world.worker(lambda message: to_audio(message, pcm)).step(timeout_s=0)
    (record,) = world.read("clips.audio")
    assert record.value == b""
    assert "ce_dataref" in dict(record.headers)
    assert len(list(world.folder.iterdir())) == 1
    seen: list[bytes] = []

    def take(message: Message) -> Iterable[Message]:
        assert isinstance(message, Audio)
        seen.append(message.pcm)
        return []

    world.worker(take, topics=("clips.audio",)).step(timeout_s=0)
    assert seen == [pcm]
    assert list(world.folder.iterdir()) == []


def test_what_a_dead_letter_refers_to_is_kept(world: World) -> None:
    world.send(clip())
    world.worker(lambda message: to_audio(message, b"\x01\x02" * INLINE_LIMIT_BYTES)).step(timeout_s=0)

    def refuse(message: Message) -> Iterable[Message]:
        del message
        msg = "no"
        raise SilentAudioError(msg)

    world.worker(refuse, topics=("clips.audio",)).step(timeout_s=0)
    (letter,) = world.read(DEAD_LETTERS)
    assert "ce_dataref" in dict(letter.headers)
    assert len(list(world.folder.iterdir())) == 1


def test_a_file_that_a_publisher_refers_to_is_read_and_never_deleted(world: World, tmp_path: Path) -> None:
    file = tmp_path / "music" / "a song.flac"
    file.parent.mkdir()
    file.write_bytes(b"fLaC")
    seen: list[bytes] = []

    def take(message: Message) -> Iterable[Message]:
        assert isinstance(message, ClipSubmitted)
        seen.append(message.data)
        return []

    world.send(clip(value=b"", dataref=file.as_uri()))
    world.worker(take).step(timeout_s=0)
    assert seen == [b"fLaC"]
    assert file.exists()


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "http://127.0.0.1:1/x", "nonsense"])
def test_a_reference_outside_the_allowed_places_fails(world: World, uri: str) -> None:
    world.send(clip(value=b"", dataref=uri))
    world.worker(to_audio).step(timeout_s=0)
    (answer,) = answers(world)
    assert answer.error is not None
    assert answer.error.code == "message.invalid"
    assert "outside the places" in answer.error.message


def test_a_failed_delivery_ends_the_worker_and_commits_nothing(world: World) -> None:
    world.send(clip())
    worker = world.worker(to_audio, producer=BrokenProducer())
    with pytest.raises(ConnectionError):
        worker.step(timeout_s=0)
    worker.close()
    assert world.worker(to_audio).step(timeout_s=0) == 1, "the next worker does it again"


class KilledError(BaseException):
    """Ends a worker as a signal would: nothing of the loop runs after it."""


def test_a_record_that_killed_its_worker_three_times_fails_and_its_neighbours_do_not(world: World) -> None:
    def die(message: Message) -> Iterable[Message]:
        assert isinstance(message, ClipSubmitted)
        if message.subject.key == "bad":
            raise KilledError
        return to_audio(message)

    for key in ("before", "bad", "after"):
        world.send(clip(key, topk="3"))
    deaths = 0
    for _ in range(6):
        worker = world.worker(die)
        try:
            worker.step(timeout_s=0)
        except KilledError:
            deaths += 1
        worker.close()
    assert deaths == 3
    (answer,) = answers(world)
    assert answer.key == "bad"
    assert answer.error is not None
    assert answer.error.code == "record.killed_worker"
    (letter,) = world.read(DEAD_LETTERS)
    assert (letter.value, dict(letter.headers)["ce_topk"]) == (b"data", b"3")
    assert [record.key for record in world.read("clips.audio")] == [b"before", b"after"], "each is done once"


def test_restarts_while_a_dependency_is_down_do_not_count_against_a_record(world: World) -> None:
    def depend(message: Message) -> Iterable[Message]:
        raise DependencyError("down")

    world.send(clip())
    for _ in range(6):
        worker = world.worker(depend)
        assert worker.step(timeout_s=0) == 0
        worker.close()
    assert world.read("recommendations") == []
    assert world.worker(to_audio).step(timeout_s=0) == 1


def test_a_worker_says_why_a_partition_waits_and_how_long_a_pass_takes(world: World) -> None:
    seen: list[float] = []

    def depend(message: Message) -> Iterable[Message]:
        world.clock.now_s += 2.5
        seen.append(worker.pass_s)
        raise DependencyError("MariaDB is down")

    world.send(clip())
    worker = world.worker(depend)
    worker.step(timeout_s=0)
    assert seen == [2.5]
    assert worker.pass_s == 0.0
    assert worker.waiting == {("clips", 0): "MariaDB is down"}


def test_a_partition_that_waited_and_went_to_another_worker_is_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def depend(message: Message) -> Iterable[Message]:
        raise DependencyError("down")

    world.send(clip())
    first = world.worker(depend)
    first.step(timeout_s=0)
    assert first.deferred == {("clips", 0)}
    monkeypatch.setattr(first._consumer, "poll", lambda **_: [])
    world.clock.now_s += 20.0
    first.step(timeout_s=0)
    assert first.deferred == frozenset()
    assert world.sample("tunekin_worker_ready", role="test") == 1


def test_a_follower_sees_every_change_before_the_work(world: World) -> None:
    order: list[str] = []

    def apply(change: CatalogueChange) -> None:
        order.append(change.track_id)

    def handle(message: Message) -> Iterable[Message]:
        assert isinstance(message, ClipSubmitted)
        order.append(message.subject.key)
        return []

    worker = world.worker(handle, follower=Follower(topics=("catalog.changes",), apply=apply))
    world.send(clip("clip"))
    world.send(codec.encode(CatalogueChange(track_id="track", change="upserted", catalogue_version=1)))
    worker.step(timeout_s=0)
    assert order == ["track", "clip"]


def test_a_change_that_cannot_be_applied_yet_comes_again(world: World) -> None:
    applied: list[str] = []
    down = True

    def apply(change: CatalogueChange) -> None:
        if down:
            msg = "the database does not answer"
            raise DependencyError(msg)
        applied.append(change.track_id)

    worker = world.worker(to_audio, follower=Follower(topics=("catalog.changes",), apply=apply))
    world.send(codec.encode(CatalogueChange(track_id="t", change="removed", catalogue_version=2)))
    worker.step(timeout_s=0)
    down = False
    worker.step(timeout_s=0)
    assert applied == ["t"]


def test_the_subject_of_a_failure_is_known_also_where_the_message_is_not(world: World) -> None:
    world.send(Record(topic="clips.audio", key=b"k", value=b"\xff\xff"))
    world.worker(to_audio, topics=("clips.audio",)).step(timeout_s=0)
    (answer,) = answers(world)
    assert answer.key == "k"
    assert codec.subject_of(clip("k")) == ClipSubject(clip_id="/tunekin#k", key="k")
