"""Health over HTTP: alive, ready, and why not."""

import json
import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from tunekin.health import HealthServer, stop_on_signals
from tunekin.metrics import WorkerMetrics


class Worker:
    waiting: dict[tuple[str, int], str]
    pass_s = 0.0

    def __init__(self) -> None:
        self.waiting = {}


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def server(worker: Worker) -> Iterator[HealthServer]:
    registry = CollectorRegistry()
    WorkerMetrics(registry).ready.labels(role="test").set(1)
    opened = HealthServer(worker, registry=registry, host="127.0.0.1", port=0, max_pass_s=60.0)
    yield opened
    opened.close()


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{server.address}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_worker_at_work_is_alive_and_ready(server):
    assert get(server, "/healthz") == get(server, "/readyz") == (200, '{"status": "ok"}')


def test_a_partition_that_waits_makes_the_worker_unready_and_says_why_but_leaves_it_alive(server, worker):
    worker.waiting = {("clips", 3): "MariaDB does not answer"}
    status, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body)["waiting"] == [{"topic": "clips", "partition": 3, "reason": "MariaDB does not answer"}]
    assert get(server, "/healthz")[0] == 200


def test_a_pass_that_takes_too_long_is_stuck(server, worker):
    worker.pass_s = 61.0
    status, body = get(server, "/healthz")
    assert (status, json.loads(body)) == (503, {"status": "stuck", "pass_s": 61.0, "max_pass_s": 60.0})
    assert get(server, "/readyz")[0] == 503


def test_metrics_are_in_the_text_format(server):
    status, body = get(server, "/metrics")
    assert status == 200
    assert 'tunekin_worker_ready{role="test"} 1.0' in body


def test_another_path_is_told_which_there_are(server):
    status, body = get(server, "/")
    assert status == 404
    assert "/readyz" in body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop(number: signal.Signals) -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop = stop_on_signals()
        assert isinstance(stop, threading.Event)
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(10)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
