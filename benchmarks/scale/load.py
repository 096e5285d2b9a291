"""How long clips take while they come one by one, at a share of what the workers can do, and faster than that.

They come by chance, as from people who know nothing of each other: gaps between them are exponential. The time of each
is from when it was to be published to when its answer is read, by one clock, so that a publisher who falls behind
hides nothing.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.scale.bench import CLIP_LANE, Bench, Figures, say
from benchmarks.scale.usage import cpu_s

__all__ = ["loads", "one_by_one", "one_by_one_count"]

_ONE_BY_ONE = 100
_OVERLOAD_CLIPS = 300
_LOAD_S = 20.0
_SHARES = (50, 90)
_STAGES = ("ingest", "featurizer", "classifier", "ranker")


def one_by_one(bench: Bench, *, suffix: str, goes_on: Callable[[], bool] = lambda: True) -> Figures:
    """Measure clips that have the workers for themselves.

    Parameters
    ----------
    bench : Bench
        With a worker of each kind.
    suffix : str
        What the figures' names end with.
    goes_on : callable
        Whether what is measured still holds.

    Returns
    -------
    dict of str to float
        Median and 99th percentile of published to answered, and of its parts.
    """
    say(f"one by one, {suffix}")
    total_ms, compute_ms = [], []
    for clip in itertools.islice(bench.clips, one_by_one_count(bench)):
        if not goes_on():
            break
        began_s = time.perf_counter()
        (answer,) = bench.answers({bench.submit(clip)})
        total_ms.append((time.perf_counter() - began_s) * 1000)
        compute_ms.append(sum(answer.timeline.get(stage, 0.0) for stage in _STAGES))
    overhead_ms = np.array(total_ms) - compute_ms
    return _percentiles(total_ms, suffix) | {
        f"compute_ms_p50{'' if suffix == 'idle' else f'_{suffix}'}": _quantile(compute_ms, 0.5),
        f"overhead_ms_p50{'' if suffix == 'idle' else f'_{suffix}'}": _quantile(overhead_ms.tolist(), 0.5),
    }


def one_by_one_count(bench: Bench) -> int:
    """Say how many clips `one_by_one` takes.

    Parameters
    ----------
    bench : Bench
        Which part of them is wanted.

    Returns
    -------
    int
        Clips.
    """
    return round(_ONE_BY_ONE * bench.part)


def loads(bench: Bench, *, each: int) -> Figures:
    """Measure with so many workers of each kind.

    Parameters
    ----------
    bench : Bench
        With a worker of each kind.
    each : int
        Workers of each kind of the lane of clips.

    Returns
    -------
    dict of str to float
        ``clips_per_s_2_each`` and so on: what they answer of more than they can; then percentiles at shares of that.
        With one of each, ``cpu_ms_per_clip_rank`` and so on besides.
    """
    say(f"overload, {each} of each")
    others = [bench.stack.another(kind) for kind in CLIP_LANE for _ in range(each - 1)]
    bench.start(others)
    # The first records of each partition, which are committed one at a time, and what a joining member brings about.
    at_once = [0.0] * round(_OVERLOAD_CLIPS * bench.part)
    _run(bench, at_once)
    figures: Figures = {}
    done_s, took_ms = _run(bench, at_once)
    first, last = len(done_s) // 10, round(0.9 * len(done_s))
    rate = (last - first) / (done_s[last] - done_s[first])
    figures[f"clips_per_s_{each}_each"] = rate
    figures |= _percentiles(took_ms, f"overload_{each}_each")
    chance = np.random.default_rng(each)
    for share in _SHARES:
        gaps_s = chance.exponential(100 / (share * rate), round(_LOAD_S * bench.part * rate * share / 100))
        say(f"{share} % load, {each} of each")
        before_s = _spent(bench)
        _, took_ms = _run(bench, gaps_s.tolist())
        figures |= _percentiles(took_ms, f"load_{share}_{each}_each")
        if each == 1:
            for name, spent_s in _spent(bench).items():
                figures[f"cpu_ms_per_clip_{name}"] = (spent_s - before_s[name]) / len(took_ms) * 1000
    bench.stop(others)
    return figures


def _run(bench: Bench, gaps_s: Iterable[float]) -> tuple[list[float], list[float]]:
    """Publish clips with gaps between them; when each was answered, and how long that took."""
    gaps = list(gaps_s)
    clips = list(itertools.islice(bench.clips, len(gaps)))
    due_s: dict[str, float] = {}
    done_s: list[float] = []
    took_ms: list[float] = []
    now_s = began_s = time.perf_counter()
    when_s = began_s + np.cumsum(gaps)
    sent = 0
    while len(done_s) < len(clips):
        while sent < len(clips) and when_s[sent] <= now_s:
            due_s[bench.submit(clips[sent])] = when_s[sent]
            sent += 1
        wait_s = 0.05 if sent == len(clips) else min(max(when_s[sent] - now_s, 0.0), 0.05)
        for answer in bench.arrived(timeout_s=wait_s):
            if answer.key in due_s:
                done_s.append(time.perf_counter())
                took_ms.append((done_s[-1] - due_s.pop(answer.key)) * 1000)
        now_s = time.perf_counter()
    return done_s, took_ms


def _spent(bench: Bench) -> dict[str, float]:
    """Processor time by program."""
    programs = {name: worker.pid for name, worker in bench.stack.workers.items() if name in {*CLIP_LANE, "write"}}
    programs |= {server.name: server.pid for server in bench.stack.servers}
    return {name.replace("-", "_"): cpu_s(pid) for name, pid in programs.items() if pid is not None}


def _percentiles(took_ms: Sequence[float], suffix: str) -> Figures:
    return {
        f"clip_p50_ms_{suffix}": _quantile(took_ms, 0.5),
        f"clip_p99_ms_{suffix}": _quantile(took_ms, 0.99),
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
