"""Memory of a command and of all that it starts."""

import subprocess
import sys

import pytest

from benchmarks.memory import peak_mb

# Each process stays until it was looked at a few times.
_HOLD = "import os, time\nheld = bytearray(b'x') * (200 << 20)\n"
_STAY = "time.sleep(2)\n"
_CHILD = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]], check=True)\n"
_FORK = "child = os.fork()\n"


@pytest.fixture(scope="module")
def one_mb() -> float:
    """What one process that holds 200 MiB has."""
    return peak_mb([sys.executable, "-c", _HOLD + _STAY], env={})


def test_what_a_command_holds_is_measured(one_mb):
    assert 200 < one_mb < 250


def test_what_its_children_hold_is_added(one_mb):
    both = peak_mb([sys.executable, "-c", _HOLD + _CHILD, _HOLD + _STAY], env={})
    assert one_mb + 200 < both < 2 * one_mb + 50


def test_what_processes_have_in_common_counts_once(one_mb):
    # A child that has only read what its parent wrote before.
    both = peak_mb([sys.executable, "-c", _HOLD + _FORK + _STAY], env={})
    assert both < one_mb + 50


def test_a_command_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        peak_mb([sys.executable, "-c", "raise SystemExit(3)"], env={})
