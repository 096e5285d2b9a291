"""A whole distributed Tunekin for tests: workers of every kind on real servers, with a catalogue of a few songs."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kafka
import numpy as np
import soundfile
from sqlalchemy import text

from tests.conftest import Music
from tests.otlp import Receiver
from tunekin.catalogue.database import open_engine, opened, reading, writing
from tunekin.kafka import KafkaSettings, lags
from tunekin_native.kafka import Kafka
from tunekin_native.mariadb import MariaDB
from tunekin_native.redis import Redis
from tunekin_native.stack import variables
from tunekin_native.supervisor import supervise
from tunekin_native.workers import WORKERS, Worker

SONGS = 12
PATIENCE_S = 60.0
_READY_S = 90.0


@dataclass
class Installation:
    """Servers, workers, and the ways in which people outside use them.

    Attributes
    ----------
    folder : Path
        Everything of it.
    kafka, mariadb, redis : Server
        What it runs on; shared with other tests.
    environment : mapping of str to str
        Settings of its programs.
    traces : Receiver
        Where its programs send traces; it is down until a test has it listen.
    workers : dict of str to Worker
        By name; who ends one starts one again.
    songs : sequence of Path
        What its catalogue holds.
    """

    folder: Path
    kafka: Kafka
    mariadb: MariaDB
    redis: Redis
    environment: Mapping[str, str]
    songs: Sequence[Path]
    traces: Receiver
    workers: dict[str, Worker] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return self.environment["TUNEKIN_KAFKA_PREFIX"]

    def command(self, *arguments: str, text: bool = True, **settings: str) -> "subprocess.CompletedProcess[Any]":
        """Run the command line as an operator does, perhaps with settings besides."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "tunekin"), *arguments],
            env=os.environ | self.environment | settings,
            capture_output=True,
            text=text,
            check=False,
            timeout=PATIENCE_S * 2,
        )

    def start(self, name: str, *, other: str | None = None, settings: Mapping[str, str] | None = None) -> Worker:
        """Start a worker; another one of its kind under a name of its own, perhaps with settings of its own."""
        called = other or name
        if called not in self.workers:
            self.workers[called] = Worker(
                name, log=self.folder / f"{called}.log", environment={**self.environment, **(settings or {})}
            )
        self.workers[called].start()
        return self.workers[called]

    @contextlib.contextmanager
    def supervised(self) -> Iterator[None]:
        """Have workers that end started anew, as every way to run them does."""
        stop = threading.Event()
        thread = threading.Thread(target=supervise, args=(list(self.workers.values()), stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def shoot(self, name: str) -> None:
        """Kill a worker in the middle of its work, behind the back of whoever watches over it."""
        pid = self.workers[name].pid
        assert pid is not None, self.said()
        os.kill(pid, signal.SIGKILL)

    def wait_until_ready(self) -> None:
        """Wait for all workers."""
        for worker in self.workers.values():
            worker.wait_until_ready(timeout_s=_READY_S)

    def wait_for_members(self, group: str, count: int) -> None:
        """Wait until a group has so many members."""
        settings = KafkaSettings(bootstrap_servers=self.kafka.address, prefix=self.prefix)
        wait_for(lambda: any(one.group == group and one.members == count for one in lags(settings)))

    def publish(
        self,
        records: Iterable[tuple[str, bytes | None] | tuple[str, bytes | None, Mapping[str, str]]],
        *,
        topic: str = "clips",
    ) -> None:
        """Publish as a foreign producer does: key, value and headers; returns once all are acknowledged."""
        producer = kafka.KafkaProducer(bootstrap_servers=self.kafka.address, acks="all", max_request_size=4_000_000)
        with contextlib.closing(producer):
            futures = [
                producer.send(
                    self.prefix + topic,
                    key=record[0].encode(),
                    value=record[1],
                    headers=[(name, value.encode()) for name, value in (record[2] if len(record) > 2 else {}).items()],
                )
                for record in records
            ]
            producer.flush()
            for future in futures:
                future.get(0)

    def outcomes(
        self, keys: Iterable[str], *, topic: str = "recommendations", attempt: int = 1, linger_s: float = 0.3
    ) -> dict[str, list[dict[str, Any]]]:
        """Wait until every key has an outcome of an attempt; all of them, by key, in the order of their offsets.

        What comes twice comes soon: within `linger_s`.
        """
        wanted = set(keys)
        seen: dict[str, list[dict[str, Any]]] = defaultdict(list)

        def take(polled: Mapping[Any, Sequence[Any]]) -> None:
            for record in (record for batch in polled.values() for record in batch):
                if (key := record.key.decode()) in wanted:
                    seen[key].append(json.loads(record.value))

        consumer = kafka.KafkaConsumer(bootstrap_servers=self.kafka.address, enable_auto_commit=False)
        with contextlib.closing(consumer):
            name = self.prefix + topic
            places = [kafka.TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]
            consumer.assign(places)
            consumer.seek_to_beginning()
            give_up_s = time.monotonic() + PATIENCE_S
            while missing := {key for key in wanted if not any(one["attempt"] >= attempt for one in seen.get(key, ()))}:
                assert time.monotonic() < give_up_s, f"no outcome for {sorted(missing)}; {self.said()}"
                take(consumer.poll(500))
            take(consumer.poll(round(linger_s * 1000)))
        return {key: seen[key] for key in wanted}

    def answer(self, clip: bytes, **headers: str) -> dict[str, Any]:
        """Publish one clip and wait for its outcome."""
        key = new_key()
        self.publish([(key, clip, headers)])
        return self.outcomes([key], linger_s=0)[key][0]

    def query(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Ask the catalogue's database."""
        with opened(self.environment["TUNEKIN_CATALOGUE_URL"]) as engine, reading(engine) as connection:
            return [tuple(row) for row in connection.execute(text(statement), parameters)]

    def said(self) -> str:
        """What the workers said last, for a failed test's report."""
        tails = []
        for name, worker in self.workers.items():
            lines = worker.log.read_text(errors="replace").splitlines()[-3:] if worker.log.exists() else []
            tails.append("\n".join([f"{name} (pid {worker.pid}):", *lines]))
        return "\n".join(tails)


@contextlib.contextmanager
def installed(
    folder: Path, music: Music, *, kafka_server: Kafka, mariadb_server: MariaDB, redis_server: Redis
) -> Iterator[Installation]:
    """Set everything up, start one worker of each kind, fill the catalogue; end the workers afterwards."""
    database = f"tunekin_{uuid.uuid4().hex}"
    admin = open_engine(mariadb_server.url)
    with writing(admin) as connection:
        connection.execute(text(f"CREATE DATABASE {database}"))
    shared = folder / "shared"
    shared.mkdir()
    traces = Receiver()
    environment = variables(
        kafka=kafka_server, mariadb=mariadb_server, redis=redis_server, blobs=folder / "blobs", readable=[shared]
    ) | {
        "TUNEKIN_KAFKA_PREFIX": f"{uuid.uuid4().hex[:8]}.",
        "TUNEKIN_CLASSIFIER_MODEL": str(folder / "models"),
        "TUNEKIN_KAFKA_SESSION_TIMEOUT_S": "6",
        # The catalogue is small: each answer is confirmed by brute force, too.
        "TUNEKIN_RANKER_SHADOW_EVERY": "1",
        "TUNEKIN_TRACING_ENDPOINT": traces.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "TUNEKIN_CATALOGUE_URL": mariadb_server.url_of(database),
        # Files of songs lie where the music is.
        "TUNEKIN_BLOBS_READABLE": json.dumps([f"{place.as_uri()}/" for place in (shared, music.folder)]),
    }
    one = Installation(
        folder=folder,
        kafka=kafka_server,
        mariadb=mariadb_server,
        redis=redis_server,
        environment=environment,
        songs=spread(music.files, SONGS),
        traces=traces,
    )
    try:
        done = one.command("setup")
        assert done.returncode == 0, done.stdout + done.stderr
        for name in WORKERS:
            one.start(name)
        one.wait_until_ready()
        done = one.command("catalog", "add", "--kafka", *map(str, one.songs))
        assert done.returncode == 0, done.stdout + done.stderr + one.said()
        yield one
    finally:
        for worker in one.workers.values():
            worker.tell()
        for worker in one.workers.values():
            worker.stop()
        traces.close()
        with writing(admin) as connection:
            connection.execute(text(f"DROP DATABASE {database}"))
        admin.dispose()


def spread(files: Sequence[Path], count: int) -> list[Path]:
    """Choose so many files, evenly over all of them, since neighbours are often by one artist."""
    return [files[number * len(files) // count] for number in range(count)]


def clip_of(song: Path, *, start_s: float = 5.0, duration_s: float = 6.0) -> bytes:
    """Cut a clip out of a song, as a FLAC file."""
    sound, rate = soundfile.read(song, dtype="float32", always_2d=True)
    part = sound[round(start_s * rate) : round((start_s + duration_s) * rate)]
    file = io.BytesIO()
    soundfile.write(file, part, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def noise(seed: int, *, duration_s: float = 6.0, level: float = 0.1) -> bytes:
    """Sound that is no song, as a WAV file: quick to make, and each seed another clip."""
    file = io.BytesIO()
    samples = level * np.random.default_rng(seed).normal(size=round(duration_s * 22_050))
    soundfile.write(file, samples, 22_050, format="WAV", subtype="PCM_16")
    return file.getvalue()


def silence() -> bytes:
    """A sound file without sound."""
    return noise(0, level=0.0)


def new_key() -> str:
    """Key that no other clip has."""
    return uuid.uuid4().hex[:12]


def wait_for(holds: Any, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    give_up_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < give_up_s, "it did not come about in time"
        time.sleep(0.2)


def same(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What two answers to the same clip on the same catalogue share: all but names, times and versions."""
    return {
        name: value
        for name, value in answer.items()
        if name not in {"clip_id", "timeline", "versions", "attempt", "key"}
    }
