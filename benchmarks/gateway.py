"""Bursts of 250 clips at once against ``tunekin serve``: ``make bench-gateway``.

The gateway takes 200 and refuses the rest with 429; whoever is refused comes again after ``Retry-After``, until each of
the 250 has its answer. Memory is that of the whole process tree of the server, after each burst.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import numpy as np

from benchmarks import report
from tunekin_demo import bad_microphone
from tunekin_demo.compose import catalogue, render, write_catalogue

_PIECES, _CLIPS, _BURSTS = 12, 250, 4
_RATE_HZ = 22_050
_TOO_MANY = 429


@dataclass
class _Seen:
    """What a burst saw."""

    refused: int = 0
    answered: int = 0
    took_s: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, print and keep the figures."""
    pieces = list(catalogue())[:_PIECES]
    # Clips differ, so that no cache answers for the search.
    clips = [
        bad_microphone.encode(
            bad_microphone.cut(
                render(pieces[number % 6]), start_s=2.0 + number / 25, duration_s=6.0, sample_rate_hz=_RATE_HZ
            ),
            sample_rate_hz=_RATE_HZ,
            codec="mp3",
            bitrate_bps=64_000,
        )
        for number in range(_CLIPS)
    ]
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (address, pid):
        memory_mb, seen = [], []
        for _ in range(_BURSTS):
            seen.append(asyncio.run(_burst(address, clips)))
            memory_mb.append(_memory_mb(pid))
    took_s = [took for burst in seen for took in burst.took_s]
    figures = {
        "clips": _CLIPS * _BURSTS,
        "answered": sum(burst.answered for burst in seen),
        "refused_429": sum(burst.refused for burst in seen),
        "answer_p50_s": float(np.percentile(took_s, 50)),
        "answer_p99_s": float(np.percentile(took_s, 99)),
        "memory_mb_first_burst": memory_mb[0],
        "memory_mb_last_burst": memory_mb[-1],
    }
    report.show("Gateway", figures)
    report.write("gateway", figures)


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, int]]:
    list(write_catalogue(folder / "music", pieces=list(catalogue())[:_PIECES]))
    command = [sys.executable, "-m", "tunekin_cli", "--home", str(folder / "home")]
    subprocess.run([*command, "catalog", "add", str(folder / "music")], check=True, capture_output=True)
    environment = {"TUNEKIN_WEB_CLIPS_PER_MINUTE": "0", "PATH": ""}
    server = subprocess.Popen([*command, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        words = (server.stderr.readline() if server.stderr else "").split()
        yield next(word for word in words if word.startswith("http")).rstrip("/"), server.pid
    finally:
        server.terminate()
        server.wait()


async def _burst(address: str, clips: list[bytes]) -> _Seen:
    seen = _Seen()
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=address, timeout=300.0, limits=limits) as client:
        await asyncio.gather(*(_ask(client, clip, seen) for clip in clips))
    return seen


async def _ask(client: httpx2.AsyncClient, clip: bytes, seen: _Seen) -> None:
    began_s = time.perf_counter()
    while (posted := await client.post("/api/v1/clips", content=clip)).status_code == _TOO_MANY:
        seen.refused += 1
        await asyncio.sleep(float(posted.headers["retry-after"]))
    events = await client.get(posted.json()["events"])
    seen.answered += '"status":"answered"' in events.text
    seen.took_s.append(time.perf_counter() - began_s)


def _memory_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    own_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    children = " ".join(path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return own_kb / 1024 + sum(_memory_mb(int(child)) for child in children.split())


if __name__ == "__main__":
    main()
