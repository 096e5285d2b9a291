"""A worker process that answers every clip: ``python answering_worker.py [die]`` with settings from the environment.

With ``die`` it kills itself once it has sent its first outcomes, before it commits them. A clip with the key ``deadly``
kills it as well.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry

from tunekin.blobs import FsspecBlobStore
from tunekin.health import stop_on_signals
from tunekin.kafka import KafkaBus, KafkaSettings
from tunekin.messages import Answer, ClipSubmitted
from tunekin.metrics import WorkerMetrics
from tunekin.ports import Record
from tunekin.service import Service
from tunekin.settings import read
from tunekin.worker import Worker


def answer(clip: ClipSubmitted) -> list[Answer]:
    if clip.subject.key == "deadly":
        die()
    return [Answer(clip_id=clip.subject.clip_id, key=clip.subject.key, status="answered")]


def die(held: Iterable[Record] = ()) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    stop = stop_on_signals()
    bus = KafkaBus(read(KafkaSettings))
    consumer = bus.consumer(["clips"], group="answer")
    if sys.argv[1:] == ["die"]:
        consumer.commit = die  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        Worker(
            Service(role="answer", topics=("clips",), handle=answer),
            consumer=consumer,
            producer=bus.producer(),
            blobs=FsspecBlobStore(Path(folder).as_uri(), readable=[]),
            metrics=WorkerMetrics(CollectorRegistry()),
            clock=time.time,
        ).run(stop)


if __name__ == "__main__":
    main()
