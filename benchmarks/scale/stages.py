"""How many clips a second one worker of a kind does, and two, from a topic filled beforehand, nothing else at work.

A few clips take the whole way once. What lay on each topic is then repeated under other keys and hashes, so that it is
as much work as new clips, and no cache knows it.

A worker begins with the first records of each partition one at a time, and commits each (decision 7). Rates are counted
after that, and before the end, where one of two has nothing left.
"""

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from benchmarks.cores import processes_2
from benchmarks.scale.bench import CLIP_LANE, Bench, Figures, say
from tunekin import codec
from tunekin.messages import Audio, Classified, Features
from tunekin.ports import Record
from tunekin.topics import TOPICS

__all__ = ["stages"]

_SAMPLES = 100
# What takes one worker half a minute or so, and more than the first records of all partitions.
_COUNTS = {"decode-clips": 600, "featurize-clips": 500, "classify-clips": 1500, "rank": 1200}
_GROUPS = {
    "decode-clips": "ingest.clips",
    "featurize-clips": "featurizer.clips",
    "classify-clips": "classifier.clips",
    "rank": "ranker",
}
_NAMES = {
    "decode-clips": "decoders",
    "featurize-clips": "featurizers",
    "classify-clips": "classifiers",
    "rank": "rankers",
}
# Records of each partition that a worker takes one at a time after its start.
_FIRST = 16
_ROUNDS = 2


def stages(bench: Bench) -> Figures:
    """Measure each kind.

    Parameters
    ----------
    bench : Bench
        With a worker of each kind; their rankers' catalogue decides what a search costs.

    Returns
    -------
    dict of str to float
        ``clips_per_s_1_rankers`` and so on, ``scaling_2`` of rankers, and ``processes_2`` between their runs.
    """
    samples = _samples(bench)
    outputs = [*list(CLIP_LANE.values())[1:], "recommendations"]
    figures: Figures = {}
    processes = []
    # From the last on: what one kind sends waits for the next, which would have to work it off first.
    for (kind, topic), output in reversed(list(zip(CLIP_LANE.items(), outputs, strict=True))):
        rates: dict[int, list[float]] = {1: [], 2: []}
        # Rounds, since what else the machine does changes from one minute to the next.
        for _, workers in itertools.product(range(_ROUNDS if kind == "rank" else 1), rates):
            if kind == "rank":
                processes.append(processes_2())
            say(f"{workers} × {kind}")
            rates[workers].append(_rate(bench, kind, samples[topic], output=output, workers=workers))
        for workers, measured in rates.items():
            figures[f"clips_per_s_{workers}_{_NAMES[kind]}"] = max(measured)
    figures["scaling_2"] = _ratio(figures, "rankers")
    figures["processes_2"] = max(processes)
    figures["scaling_2_share"] = (figures["scaling_2"] or 0.0) / max(processes)
    for kind in ("decoders", "featurizers", "classifiers"):
        figures[f"scaling_2_{kind}"] = _ratio(figures, kind)
    bench.only(list(bench.stack.workers))
    return figures


def _ratio(figures: Figures, kind: str) -> float | None:
    one, two = figures[f"clips_per_s_1_{kind}"], figures[f"clips_per_s_2_{kind}"]
    return two / one if one and two else None


def _samples(bench: Bench) -> dict[str, Sequence[Record]]:
    """Have some clips take the whole way, and keep what lay on each topic."""
    topics, samples = list(CLIP_LANE.values()), round(_SAMPLES * bench.part)
    with (
        bench.tapped(topics[0]) as clips,
        bench.tapped(topics[1]) as audio,
        bench.tapped(topics[2]) as features,
        bench.tapped(topics[3]) as classified,
    ):
        keys = {bench.submit(clip) for clip in itertools.islice(bench.clips, samples)}
        for _ in bench.answers(keys):
            pass
        taps = zip(topics, (clips, audio, features, classified), strict=True)
        return {topic: read(samples) for topic, read in taps}


def _rate(bench: Bench, kind: str, samples: Sequence[Record], *, output: str, workers: int) -> float:
    """Clips a second."""
    bench.only([])
    topic = CLIP_LANE[kind]
    least = round(1.3 * _FIRST * TOPICS[topic].partitions)
    count = max(round(_COUNTS[kind] * bench.part), least)
    for record in itertools.islice(_others(samples), count):
        bench.producer.send(record)
    bench.producer.flush()
    one = bench.stack.workers[kind]
    others = [bench.stack.another(kind) for _ in range(workers - 1)]
    with bench.tapped(output) as read:
        bench.start([one, *others], wait=False)
        bench.members(_GROUPS[kind], workers)
        bench.drained(topic)
        bench.stop([one, *others])
        times_ms = sorted(record.timestamp_ms for record in read(count))
    first, last = max(_FIRST * TOPICS[topic].partitions + count // 20, count // 10), round(0.9 * count)
    return (last - first) / (times_ms[last] - times_ms[first]) * 1000


def _others(samples: Sequence[Record]) -> Iterator[Record]:
    """Repeat records, each as another clip."""
    for record in itertools.cycle(samples):
        key = uuid.uuid4().hex
        if TOPICS[record.topic].public:
            headers = tuple((name, key.encode() if name == "ce_id" else value) for name, value in record.headers)
            yield replace(record, key=key.encode(), headers=headers, partition=-1, offset=-1)
            continue
        message = codec.decode(record)
        assert isinstance(message, Audio | Features | Classified)  # noqa: S101 (so are the topics)
        subject = msgspec.structs.replace(
            message.subject, key=key, clip_id=f"/tunekin/bench#{key}", sha256=key.ljust(64, "0")
        )
        yield codec.encode(msgspec.structs.replace(message, subject=subject))
