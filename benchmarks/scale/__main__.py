"""``make bench-scale``, or ``python -m benchmarks.scale [--music FOLDER] [--sizes 2000 10000] [--part PERCENT]``.

Real servers and one worker of each kind, as ``make stack`` runs them, with a catalogue of all music in the folder (of
``TUNEKIN_TEST_AUDIO`` unless it is named, else of the pieces that the demo composes). Clips are cuts of 6 s, each of
them another.

============================== =========================================================================================
figure                         meaning
============================== =========================================================================================
``clip_p50_ms_idle``           published to answered, by the publisher's clock, one clip at a time; ``p99`` likewise
``compute_ms_p50``             of that the time in handlers: ingest, featurizer, classifier, ranker
``overhead_ms_p50``            the rest: Kafka, codec, waiting
``clip_p99_ms_bulk``           as idle, while a bulk load keeps the machine busy; ``p50`` likewise
``bulk_over_idle_p99``         the second 99th percentile over the first
``tracks_per_s_bulk``          songs that the bulk load puts into the catalogue, one worker of each kind
``cpu_ms_per_track_…``         processor time that each program takes for a song; ``cpu_ms_per_clip_…`` for a clip,
                               at 90 % load
``clips_per_s_1_rankers``      clips that one ranker does, with the largest of the catalogues below, from a topic
                               filled beforehand, all else stopped;
                               ``2_rankers`` likewise; so ``decoders``, ``featurizers``, ``classifiers``
``scaling_2``                  two rankers over one; ``scaling_2_featurizers`` and so on
``processes_2``                the same of plain arithmetic in one process and in two: what the machine has
``scaling_2_share``            the first of these over the second
``clips_per_s_1_each``         clips that one worker of each kind answers of more than they can; ``2_each`` likewise
``clip_p99_ms_load_90_1_each`` published to answered at 90 % of that; so ``p50``, ``load_50`` and ``overload``
``bytes_per_clip_…``           what each topic keeps of a clip on the broker's disk, compressed; ``bytes_per_track_…``
``mb_…``                       memory of each program
``…_10000_tracks``             as idle, with so many songs; and what a ranker and the database hold then
============================== =========================================================================================
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import soundfile

from benchmarks import report
from benchmarks.scale.bench import CLIP_LANE, Bench, Figures, cuts
from benchmarks.scale.growth import growth
from benchmarks.scale.load import loads, one_by_one, one_by_one_count
from benchmarks.scale.stages import stages
from benchmarks.scale.usage import cpu_s, rss_mb
from tunekin.kafka import KafkaBus, KafkaSettings
from tunekin_demo.compose.__main__ import compose_once
from tunekin_embedded.sound_files import find, local_path
from tunekin_native.stack import Stack

__all__ = ["main"]

_TRACK_TOPICS = ("catalog.ingest", "tracks.audio", "tracks.features", "tracks.classified", "catalog.outcomes")
_CLIP_TOPICS = (*CLIP_LANE.values(), "recommendations")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and write ``scale.json``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; that of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--music", type=Path, help="folder of music")
    parser.add_argument("--sizes", type=int, nargs="*", default=[2_000, 10_000], help="songs of a growing catalogue")
    parser.add_argument("--part", type=int, default=100, help="percent of the clips, while developing")
    options = parser.parse_args(arguments)
    named = options.music or os.environ.get("TUNEKIN_TEST_AUDIO")
    with tempfile.TemporaryDirectory() as folder:
        music = Path(named) if named else compose_once(Path(folder) / "music")
        stack = Stack(Path(folder) / "stack", readable=[music])
        try:
            stack.start()
            figures: Figures = {}
            files = [local_path(track.source_uri) for track in find(music)]
            for measured in _measure(stack, files, sizes=options.sizes, part=options.part / 100):
                figures |= measured
                # It takes a quarter of an hour: whoever ends it early has what was measured until then.
                kept = report.write("scale", figures)
        finally:
            stack.close()
    report.show("scale", figures)
    print(kept)


def _measure(stack: Stack, files: Sequence[Path], *, sizes: Sequence[int], part: float) -> Iterator[Figures]:
    yield {"tracks": len(files), "part": part}
    bus = KafkaBus(KafkaSettings(bootstrap_servers=stack.variables["TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"]))
    yield _bulk(stack, files)
    with closing(bus.consumer(["recommendations"], group=None)) as outcomes, closing(bus.producer()) as producer:
        bench = Bench(stack=stack, clips=cuts(files), producer=producer, outcomes=outcomes, part=part)
        # What a worker does for the first time, and the first records of its partitions, take longer.
        one_by_one(bench, suffix="warming")
        idle = one_by_one(bench, suffix="idle")
        yield idle
        yield _stored(stack, _CLIP_TOPICS, "clip", count=2 * one_by_one_count(bench))
        yield _while_loading(bench, files, idle)
        for each in (1, 2):
            yield loads(bench, each=each)
        yield {
            f"mb_{name.replace('-', '_')}": rss_mb(worker.pid)
            for name, worker in stack.workers.items()
            if worker.pid is not None
        }
        yield growth(bench, sizes)
        # With the largest of these catalogues.
        yield stages(bench)


def _bulk(stack: Stack, files: Sequence[Path]) -> Figures:
    """Fill the catalogue, and say what that took."""
    programs = {name: worker.pid for name, worker in stack.workers.items() if "clips" not in name and name != "rank"}
    programs |= {server.name: server.pid for server in stack.servers}
    before_s = {name: cpu_s(pid) for name, pid in programs.items() if pid is not None}
    began_s = time.perf_counter()
    with _loading(stack, files) as load:
        if load.wait():
            raise SystemExit("the catalogue could not be loaded: see the lines above")
    took_s = time.perf_counter() - began_s
    figures: Figures = {"tracks_per_s_bulk": len(files) / took_s}
    for name, spent_s in before_s.items():
        spent_ms = (cpu_s(programs[name] or 0) - spent_s) * 1000
        figures[f"cpu_ms_per_track_{name.replace('-', '_')}"] = spent_ms / len(files)
    return figures | _stored(stack, _TRACK_TOPICS, "track", count=len(files))


def _while_loading(bench: Bench, files: Sequence[Path], idle: Figures) -> Figures:
    """Measure clips while the machine is busy with songs."""
    # The same sound under other bytes is as much work.
    folder = bench.stack.folder / "again"
    folder.mkdir()
    again = [_reencoded(file, folder) for file in files]
    with _loading(bench.stack, again) as load:
        figures = one_by_one(bench, suffix="bulk", goes_on=lambda: load.poll() is None)
        load.wait()
    before, during = idle["clip_p99_ms_idle"], figures["clip_p99_ms_bulk"]
    return figures | {"bulk_over_idle_p99": during / before if before and during else None}


def _loading(stack: Stack, files: Sequence[Path]) -> "subprocess.Popen[bytes]":
    tunekin = str(Path(sys.executable).parent / "tunekin")
    return subprocess.Popen(
        [tunekin, "catalog", "add", "--kafka", *map(str, files)],
        env=os.environ | stack.variables,
        stdout=subprocess.DEVNULL,
    )


def _reencoded(file: Path, folder: Path) -> Path:
    sound, rate = soundfile.read(file, dtype="float32")
    target = folder / f"{uuid.uuid4().hex}.flac"
    soundfile.write(target, sound * 0.9, rate, format="FLAC", subtype="PCM_16")
    return target


def _stored(stack: Stack, topics: Sequence[str], what: str, *, count: int) -> Figures:
    """Say what the broker keeps of each."""
    data = stack.folder / "kafka" / "data"
    return {
        f"bytes_per_{what}_{topic}": sum(one.stat().st_size for one in data.glob(f"{topic}-*/*.log")) / count
        for topic in topics
    }


if __name__ == "__main__":
    main()
