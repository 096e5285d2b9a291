"""An installation under measurement: clips in, answers out, workers that come and go."""

import io
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tunekin import codec
from tunekin.kafka import KafkaBus, KafkaConsumer, KafkaProducer, KafkaSettings, lags
from tunekin.messages import Answer, ClipSubject, ClipSubmitted, Trace
from tunekin.ports import Record
from tunekin_native.stack import Stack
from tunekin_native.workers import Worker

__all__ = ["CLIP_LANE", "Bench", "Figures", "cuts", "say"]

Figures = dict[str, float | None]

CLIP_S = 6.0
_PATIENCE_S = 600.0
_READY_S = 180.0
_POLL_S = 0.5
# Workers that a clip passes, in their order, and the topic that each reads.
CLIP_LANE = {
    "decode-clips": "clips",
    "featurize-clips": "clips.audio",
    "classify-clips": "clips.features",
    "rank": "clips.classified",
}


def say(what: str) -> None:
    """Tell what is measured now, on standard error.

    Parameters
    ----------
    what : str
        A few words.
    """
    print(time.strftime("%H:%M:%S"), what, file=sys.stderr)


def cuts(files: Sequence[Path]) -> Iterator[bytes]:
    """Cut clips, for ever, none twice.

    Parameters
    ----------
    files : sequence of pathlib.Path
        Songs.

    Yields
    ------
    bytes
        A FLAC file of 6 s.
    """
    chance = np.random.default_rng(0)
    while True:
        sound, rate = soundfile.read(files[int(chance.integers(len(files)))], dtype="float32", always_2d=True)
        length = round(CLIP_S * rate)
        start = chance.integers(max(len(sound) - length, 1))
        file = io.BytesIO()
        soundfile.write(file, sound[start : start + length].mean(axis=1), rate, format="FLAC", subtype="PCM_16")
        yield file.getvalue()


@dataclass
class Bench:
    """What is measured, and by which clients.

    Attributes
    ----------
    stack : Stack
        Servers, and a worker of each kind.
    clips : iterator of bytes
        Clips, none twice.
    producer : KafkaProducer
        Publishes them.
    outcomes : KafkaConsumer
        Sees every outcome.
    part : float
        Share of the clips to measure with, 0 to 1; less than 1 while developing.
    """

    stack: Stack
    clips: Iterator[bytes]
    producer: KafkaProducer
    outcomes: KafkaConsumer
    part: float = 1.0

    @property
    def settings(self) -> KafkaSettings:
        """How the brokers are reached."""
        return KafkaSettings(bootstrap_servers=self.stack.variables["TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"])

    def submit(self, clip: bytes) -> str:
        """Hand a clip to the producer, which sends it at once.

        Parameters
        ----------
        clip : bytes
            A sound file.

        Returns
        -------
        str
            Key of its outcome.
        """
        key = uuid.uuid4().hex
        message = ClipSubmitted(
            subject=ClipSubject(clip_id=f"/tunekin/bench#{key}", key=key),
            data=clip,
            trace=Trace(published_ms=time.time() * 1000),
        )
        self.producer.send(codec.encode(message))
        return key

    def answers(self, keys: set[str]) -> Iterator[Answer]:
        """Wait for the outcomes of some clips.

        Parameters
        ----------
        keys : set of str
            Their keys.

        Yields
        ------
        Answer
            As they come.

        Raises
        ------
        TimeoutError
            Some did not come in time.
        """
        remaining = set(keys)
        give_up_s = time.monotonic() + _PATIENCE_S
        while remaining:
            if time.monotonic() > give_up_s:
                raise TimeoutError(f"{len(remaining)} clips have no outcome")
            for answer in self.arrived(timeout_s=0.05):
                if answer.key in remaining:
                    remaining.remove(answer.key)
                    yield answer

    def arrived(self, *, timeout_s: float) -> Iterator[Answer]:
        """Take what has come.

        Parameters
        ----------
        timeout_s : float
            Longest wait for the first.

        Yields
        ------
        Answer
            Anybody's.

        Raises
        ------
        SystemExit
            A clip failed: what is measured is not what works.
        """
        for record in self.outcomes.poll(timeout_s=timeout_s, max_records=100):
            answer = codec.decode(record)
            if isinstance(answer, Answer):
                if answer.error is not None:
                    raise SystemExit(f"a clip failed: {answer.error.message}")
                yield answer

    def only(self, wanted: Sequence[str]) -> None:
        """Leave workers of some kinds, one of each, and end all others.

        Parameters
        ----------
        wanted : sequence of str
            Their kinds.
        """
        self.stop([worker for name, worker in self.stack.workers.items() if name not in wanted])
        self.start([worker for name, worker in self.stack.workers.items() if name in wanted and worker.pid is None])

    def start(self, workers: Iterable[Worker], *, wait: bool = True) -> None:
        """Start workers side by side.

        Parameters
        ----------
        workers : iterable of Worker
            Some that do not run.
        wait : bool
            Whether to wait until they are ready.
        """
        started = list(workers)
        for worker in started:
            worker.start()
        for worker in started if wait else ():
            worker.wait_until_ready(timeout_s=_READY_S)

    def stop(self, workers: Iterable[Worker]) -> None:
        """End workers in order.

        Parameters
        ----------
        workers : iterable of Worker
            Some.
        """
        ending = list(workers)
        for worker in ending:
            worker.tell()
        for worker in ending:
            worker.stop()

    def members(self, group: str, count: int) -> None:
        """Wait until a group has so many members.

        Parameters
        ----------
        group : str
            The group.
        count : int
            Members.
        """
        self._until(lambda: any(one.group == group and one.members == count for one in lags(self.settings)))

    def behind(self, topic: str) -> int:
        """Count the records of a topic that the group of its workers has not committed.

        Parameters
        ----------
        topic : str
            One of the lane of clips.

        Returns
        -------
        int
            Records.
        """
        return sum(one.behind.get(topic, 0) for one in lags(self.settings))

    def drained(self, topic: str) -> None:
        """Wait until nothing of a topic is left, asking seldom.

        Parameters
        ----------
        topic : str
            One of the lane of clips.
        """
        self._until(lambda: self.behind(topic) == 0)

    @contextmanager
    def tapped(self, topic: str) -> Iterator[Callable[[int], list[Record]]]:
        """Have what comes to a topic from now on read afterwards, so that reading takes nothing from the work.

        Parameters
        ----------
        topic : str
            The topic.

        Yields
        ------
        callable
            Waits for so many records, and gives them.
        """
        with closing(KafkaBus(self.settings).consumer([topic], group=None)) as consumer:

            def read(count: int) -> list[Record]:
                records: list[Record] = []
                while len(records) < count:
                    polled = consumer.poll(timeout_s=_PATIENCE_S, max_records=count)
                    if not polled:
                        raise TimeoutError(f"{topic} has {len(records)} records of {count}")
                    records += polled
                return records

            yield read

    def _until(self, holds: Callable[[], object]) -> None:
        give_up_s = time.monotonic() + _PATIENCE_S
        while not holds():
            if time.monotonic() > give_up_s:
                raise TimeoutError("the workers did not come to an end in time")
            time.sleep(_POLL_S)
