"""How long clips take through Kafka and how the pipeline scales: ``make bench-scale``.

``python -m benchmarks.scale [--music FOLDER]``. Real servers and one worker of each kind, as ``make stack`` runs them,
with a catalogue of all music in the folder (of ``TUNEKIN_TEST_AUDIO`` unless it is named, else of the pieces that the
demo composes). Clips are cuts of 6 s, each of them another.

======================== ==============================================================================================
figure                   meaning
======================== ==============================================================================================
``clip_p50_ms_idle``     published to answered, by the publisher's clock, one clip at a time; ``p99`` likewise
``compute_ms_p50``       of that the time in handlers: ingest, featurizer, classifier, ranker
``overhead_ms_p50``      the rest: Kafka, codec, waiting
``clips_per_s_1_rankers``clips that one ranker answers from a topic filled beforehand; ``2_rankers`` likewise
``scaling_2``            the second over the first
``processes_2``          the same of plain arithmetic in one process and in two: what the machine has
``clip_p99_ms_bulk``     as idle, while a bulk load keeps the machine busy; ``p50`` likewise
======================== ==============================================================================================
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import report
from benchmarks.cores import processes_2
from tunekin import codec
from tunekin.kafka import KafkaBus, KafkaConsumer, KafkaProducer, KafkaSettings, lags
from tunekin.messages import Answer, ClipSubject, ClipSubmitted, Trace
from tunekin_demo.compose.__main__ import compose_once
from tunekin_embedded.sound_files import find, local_path
from tunekin_native.stack import Stack

__all__ = ["main"]

_CLIP_S = 6.0
_IDLE_CLIPS, _QUEUED_CLIPS = 100, 400
_PATIENCE_S = 300.0
_STAGES = ("ingest", "featurizer", "classifier", "ranker")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and write ``scale.json``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; that of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--music", type=Path, help="folder of music")
    options = parser.parse_args(arguments)
    named = options.music or os.environ.get("TUNEKIN_TEST_AUDIO")
    with tempfile.TemporaryDirectory() as folder:
        music = Path(named) if named else compose_once(Path(folder) / "music")
        stack = Stack(Path(folder) / "stack", readable=[music])
        try:
            stack.start()
            figures = _measure(stack, music)
        finally:
            stack.close()
    report.show("scale", figures)
    print(report.write("scale", figures))


def _measure(stack: Stack, music: Path) -> dict[str, float | None]:
    files = [local_path(track.source_uri) for track in find(music)]
    clips = _clips(files)
    began_s = time.perf_counter()
    with _load(stack, files) as load:
        if load.wait():
            raise SystemExit("the catalogue could not be loaded: see the lines above")
    figures: dict[str, float | None] = {
        "tracks": len(files),
        "tracks_per_s_bulk": len(files) / (time.perf_counter() - began_s),
    }
    bus = KafkaBus(KafkaSettings(bootstrap_servers=stack.variables["TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"]))
    with (
        closing(bus.consumer(["recommendations"], group=None)) as outcomes,
        closing(bus.producer()) as producer,
    ):
        figures |= _one_by_one(producer, outcomes, clips, suffix="idle")
        for count in (1, 2):
            figures[f"clips_per_s_{count}_rankers"] = _queued(stack, producer, outcomes, clips, rankers=count)
        one, two = figures["clips_per_s_1_rankers"], figures["clips_per_s_2_rankers"]
        figures["scaling_2"] = two / one if one and two else None
        figures["processes_2"] = processes_2()
        # The same sound under other bytes is as much work.
        again = [_reencoded(file, Path(stack.folder) / "again") for file in files]
        with _load(stack, again) as load:
            under_load = _one_by_one(producer, outcomes, clips, suffix="bulk", while_running=load)
            load.wait()
        figures |= under_load
    return figures


def _load(stack: Stack, files: Sequence[Path]) -> "subprocess.Popen[bytes]":
    tunekin = str(Path(sys.executable).parent / "tunekin")
    return subprocess.Popen(
        [tunekin, "catalog", "add", "--kafka", *map(str, files)],
        env=os.environ | stack.variables,
        stdout=subprocess.DEVNULL,
    )


def _clips(files: Sequence[Path]) -> Iterator[bytes]:
    """Cut clips, for ever, none twice."""
    chance = np.random.default_rng(0)
    while True:
        sound, rate = soundfile.read(files[int(chance.integers(len(files)))], dtype="float32", always_2d=True)
        length = round(_CLIP_S * rate)
        start = chance.integers(max(len(sound) - length, 1))
        file = io.BytesIO()
        soundfile.write(file, sound[start : start + length], rate, format="FLAC", subtype="PCM_16")
        yield file.getvalue()


def _reencoded(file: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    sound, rate = soundfile.read(file, dtype="float32")
    target = folder / f"{uuid.uuid4().hex}.flac"
    soundfile.write(target, sound * 0.9, rate, format="FLAC", subtype="PCM_16")
    return target


def _publish(producer: KafkaProducer, clip: bytes) -> str:
    key = uuid.uuid4().hex
    message = ClipSubmitted(
        subject=ClipSubject(clip_id=f"/tunekin/bench#{key}", key=key),
        data=clip,
        trace=Trace(published_ms=time.time() * 1000),
    )
    delivery = producer.send(codec.encode(message))
    producer.flush()
    delivery.result(0)
    return key


def _answers(outcomes: KafkaConsumer, keys: set[str]) -> Iterator[Answer]:
    """Wait for the outcomes of some clips."""
    remaining = set(keys)
    give_up_s = time.monotonic() + _PATIENCE_S
    while remaining:
        if time.monotonic() > give_up_s:
            raise TimeoutError(f"{len(remaining)} clips have no outcome")
        for record in outcomes.poll(timeout_s=0.05, max_records=100):
            answer = codec.decode(record)
            if isinstance(answer, Answer) and answer.key in remaining:
                remaining.remove(answer.key)
                yield answer


def _one_by_one(
    producer: KafkaProducer,
    outcomes: KafkaConsumer,
    clips: Iterator[bytes],
    *,
    suffix: str,
    while_running: "subprocess.Popen[bytes] | None" = None,
) -> dict[str, float | None]:
    total_ms, compute_ms = [], []
    for _ in range(_IDLE_CLIPS):
        if while_running is not None and while_running.poll() is not None:
            break
        clip = next(clips)
        began_s = time.perf_counter()
        (answer,) = _answers(outcomes, {_publish(producer, clip)})
        total_ms.append((time.perf_counter() - began_s) * 1000)
        if answer.error is not None:
            raise SystemExit(f"a clip failed: {answer.error.message}")
        compute_ms.append(sum(answer.timeline.get(stage, 0.0) for stage in _STAGES))
    figures: dict[str, float | None] = {
        f"clip_p50_ms_{suffix}": float(np.median(total_ms)) if total_ms else None,
        f"clip_p99_ms_{suffix}": float(np.quantile(total_ms, 0.99)) if total_ms else None,
    }
    if while_running is None:
        figures["compute_ms_p50"] = float(np.median(compute_ms))
        figures["overhead_ms_p50"] = float(np.median(np.array(total_ms) - compute_ms))
    return figures


def _queued(
    stack: Stack,
    producer: KafkaProducer,
    outcomes: KafkaConsumer,
    clips: Iterator[bytes],
    *,
    rankers: int,
) -> float:
    """Clips a second that rankers answer from a topic that was filled while none ran."""
    stack.workers["rank"].stop()
    keys = {_publish(producer, next(clips)) for _ in range(_QUEUED_CLIPS)}
    settings = KafkaSettings(bootstrap_servers=stack.variables["TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"])
    while _behind(settings) < _QUEUED_CLIPS:
        time.sleep(0.2)
    others = [stack.another("rank") for _ in range(rankers - 1)]
    started = [stack.workers["rank"], *others]
    for worker in started:
        worker.start()
    times_s = [time.perf_counter() for _ in _answers(outcomes, keys)]
    for worker in others:
        worker.stop()
    # From the first tenth to the last: without the start, and without the tail where one has nothing left.
    first, last = len(times_s) // 10, 9 * len(times_s) // 10
    return (last - first) / (times_s[last] - times_s[first])


def _behind(settings: KafkaSettings) -> int:
    return sum(one.behind.get("clips.classified", 0) for one in lags(settings) if one.group == "ranker")


if __name__ == "__main__":
    main()
