"""An installation for operators, in memory."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunekin.blobs import FsspecBlobStore
from tunekin.dead_letter_office import DeadLetterOffice
from tunekin.dead_letters import bury
from tunekin.kafka import GroupLag, described
from tunekin.messages import Problem
from tunekin.ports import Record


class Topics:
    """Topics in memory that can be read from their beginning and from their end; counts what is read."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.read = 0

    def history(self, topic: str, *, since: Mapping[tuple[str, int], int] | None = None) -> list[Record]:
        first = (since or {}).get((topic, 0), 0)
        return [record for record in self.records if record.topic == topic and record.offset >= first]

    def newest_first(self, topic: str, *, since_ms: int | None = None) -> Iterator[Record]:
        """Not before they are asked for; the fake's records were written when they failed."""
        for record in reversed(self.history(topic)):
            failed_ms = int(dict(record.headers).get("dl_failed_ms", since_ms or 0))
            if since_ms is None or failed_ms >= since_ms:
                self.read += 1
                yield record

    def producer(self) -> "Topics":
        return self

    def send(self, record: Record) -> "Future[Record]":
        future: Future[Record] = Future()
        future.set_result(record)
        self.records.append(replace(record, partition=0, offset=len(self.records)))
        return future

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Operated:
    """An installation in which records have failed, and one group has no worker."""

    def __init__(self, folder: Path) -> None:
        self.topics = Topics()
        self.letters = DeadLetterOffice(self.topics, FsspecBlobStore(folder.as_uri()))
        self.fill()

    def fill(self) -> None:
        """Have the same records failed as in the beginning."""
        self.topics.records.clear()
        failed = [
            (1, "ingest", "audio.silent", "nothing rises above -70 dBFS", 3_600),
            (2, "ingest", "audio.unknown_format", "these bytes are no sound file", 60),
            (3, "ranker", "internal", "ZeroDivisionError: division by zero", 5),
        ]
        for offset, stage, code, message, age_s in failed:
            original = Record(
                topic="clips",
                key=f"clip {offset}".encode(),
                value=bytes(range(256)),
                headers=(("ce_topk", b"3"), ("x-own", b"\xff\x00")),
                partition=4,
                offset=offset,
            )
            problem = Problem(code=code, message=message, hint="check the microphone")
            failed_ms = (time.time() - age_s) * 1000
            self.topics.send(bury(original, problem, stage=stage, attempt=1, failed_ms=failed_ms))

    def status(self) -> dict[str, Any]:
        groups = [
            GroupLag(group="ingest.clips", members=2, behind={"clips": 3}, hosts=("10.0.0.7", "10.0.0.8")),
            GroupLag(group="ranker", members=0, behind={"clips.classified": 17}),
        ]
        return described(groups, {"clips": 40, "clips.classified": 25, "recommendations": 8})
