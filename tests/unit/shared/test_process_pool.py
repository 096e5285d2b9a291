"""Processes that compute side by side."""

import importlib
import os

import pytest
import threadpoolctl

from tunekin.process_pool import ONE_THREAD, process_pool


def _threads() -> set[int]:
    """Threads that each library of linear algebra would start in this process."""
    importlib.import_module("numpy")
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_libraries_in_each_process_compute_in_one_thread() -> None:
    with process_pool(2) as pool:
        assert pool.submit(_threads).result() == {1}


def test_the_environment_is_afterwards_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    with process_pool(1) as pool:
        assert pool.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert {name: os.environ.get(name) for name in ONE_THREAD} == before
