"""Features in a child process: the same numbers, and a death costs one message."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tunekin.features import FEATURES
from tunekin.messages import Audio, Track, TrackSubject
from tunekin_embedded.compute_process import ComputeProcess
from tunekin_featurizer.service import service


def audio(seconds: float = 2.0, *, sample_rate_hz: int = FEATURES.sample_rate_hz) -> Audio:
    samples = np.random.default_rng(4).normal(0, 3_000, round(seconds * FEATURES.sample_rate_hz)).astype("<i2")
    subject = TrackSubject(track=Track(track_id="t", title="제목"))
    return Audio(subject=subject, pcm=samples.tobytes(), sample_rate_hz=sample_rate_hz)


@pytest.fixture
def compute() -> Iterator[ComputeProcess]:
    compute = ComputeProcess()
    yield compute
    compute.close()


def is_gone(pid: int) -> bool:
    """Whether a process ends within 20 s."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_the_child_gives_what_the_handler_gives(compute: ComputeProcess) -> None:
    here = list(service(topics=("tracks.audio",)).handle(audio()))
    assert list(compute.handle(audio())) == here


def test_a_message_that_fails_says_why_and_the_next_is_answered(compute: ComputeProcess) -> None:
    with pytest.raises(RuntimeError, match="sound at 8000 Hz"):
        list(compute.handle(audio(sample_rate_hz=8_000)))
    assert len(list(compute.handle(audio()))) == 1


def test_a_child_that_died_costs_one_message(compute: ComputeProcess) -> None:
    list(compute.handle(audio()))
    child = compute.pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="ended with exit code"):
        list(compute.handle(audio()))
    assert len(list(compute.handle(audio()))) == 1
    assert compute.pid != child


def test_closing_ends_the_child(compute: ComputeProcess) -> None:
    list(compute.handle(audio()))
    child = compute.pid
    assert child is not None
    compute.close()
    assert compute.pid is None
    assert is_gone(child)


def test_a_child_ends_when_its_parent_is_gone() -> None:
    code = (
        "from tunekin_embedded.compute_process import ComputeProcess; import os\n"
        "compute = ComputeProcess(); compute.start(); print(compute.pid, flush=True); os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert is_gone(int(done.stdout))
