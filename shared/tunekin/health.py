"""Whether a worker lives, works on all its partitions, and what it counts: for supervisors, balancers and Prometheus.

=============  =====================================================================================
path           answer
=============  =====================================================================================
``/healthz``   200 while passes end in time, else 503: the process is stuck and has to be started anew
``/readyz``    200 while no partition waits, else 503; which ones wait, and why
``/metrics``   metrics in Prometheus's text format
=============  =====================================================================================
"""

import http.server
import json
import signal
import threading
from http import HTTPStatus
from types import FrameType
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

__all__ = ["HealthServer", "Watched", "stop_on_signals"]


class Watched(Protocol):
    """What is asked of a worker, from another thread."""

    @property
    def waiting(self) -> dict[tuple[str, int], str]:
        """Reasons by partition, as (topic, number), of those that wait."""

    @property
    def pass_s(self) -> float:
        """Seconds that the pass under way has taken; 0 between passes."""


class HealthServer:
    """Answers over HTTP in a thread of its own.

    Parameters
    ----------
    worker : Watched
        Whose health it is.
    registry : prometheus_client.CollectorRegistry
        Metrics.
    host : str
        Address to listen on.
    port : int
        Port to listen on; 0 takes a free one.
    max_pass_s : float
        A pass that takes longer counts as stuck, in seconds.

    Raises
    ------
    OSError
        The address is taken.
    """

    def __init__(
        self, worker: Watched, *, registry: CollectorRegistry, host: str, port: int, max_pass_s: float
    ) -> None:
        class Handler(_Handler):
            answers = _Answers(worker, registry, max_pass_s)

        self._server = http.server.ThreadingHTTPServer((host, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it listens, as ``host:port``."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def stop_on_signals() -> threading.Event:
    """Turn SIGTERM and SIGINT into a request to stop; call it in the main thread.

    Returns
    -------
    threading.Event
        For `tunekin.worker.Worker.run`, which ends the pass under way, commits and leaves the group.
    """
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, ask)
    return stop


class _Answers:
    """Status and body by path."""

    def __init__(self, worker: Watched, registry: CollectorRegistry, max_pass_s: float) -> None:
        self._worker = worker
        self._registry = registry
        self._max_pass_s = max_pass_s

    def to(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        if path not in {"/healthz", "/readyz"}:
            return _json(HTTPStatus.NOT_FOUND, {"paths": ["/healthz", "/readyz", "/metrics"]})
        pass_s = self._worker.pass_s
        if pass_s > self._max_pass_s:
            stuck = {"status": "stuck", "pass_s": round(pass_s, 1), "max_pass_s": self._max_pass_s}
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, stuck)
        waiting = self._worker.waiting if path == "/readyz" else {}
        if waiting:
            partitions = [
                {"topic": topic, "partition": number, "reason": reason}
                for (topic, number), reason in sorted(waiting.items())
            ]
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "waiting", "waiting": partitions})
        return _json(HTTPStatus.OK, {"status": "ok"})


class _Handler(http.server.BaseHTTPRequestHandler):
    answers: _Answers

    def do_GET(self) -> None:
        status, kind, body = self.answers.to(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: a probe comes every few seconds."""


def _json(status: HTTPStatus, document: object) -> tuple[HTTPStatus, str, bytes]:
    return status, "application/json", json.dumps(document).encode()
