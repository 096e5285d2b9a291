"""Tunekin's workers as child processes, each with a port on which it tells its health."""

import http.client
import os
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from tunekin.errors import DependencyError
from tunekin_native.child import Child
from tunekin_native.server import HOST, free_port

__all__ = ["WORKERS", "Worker"]

# One of each role and lane, by the name of its log: what a distributed installation needs at least.
WORKERS: dict[str, tuple[str, ...]] = {
    "decode-clips": ("tunekin-ingest", "decode", "--lane", "clips"),
    "decode-tracks": ("tunekin-ingest", "decode", "--lane", "tracks"),
    "featurize-clips": ("tunekin-featurizer", "--lane", "clips"),
    "featurize-tracks": ("tunekin-featurizer", "--lane", "tracks"),
    "classify-clips": ("tunekin-classifier", "--lane", "clips"),
    "classify-tracks": ("tunekin-classifier", "--lane", "tracks"),
    "rank": ("tunekin-ranker", "rank"),
    "write": ("tunekin-ingest", "write"),
}
# Only where the catalogue is divided among rankers that hold a shard each.
_COMMANDS = WORKERS | {"merge": ("tunekin-ranker", "merge")}

_POLL_S = 0.1
_ASK_S = 2.0
_STOP_S = 30.0
_LOG_TAIL_LINES = 10


class Worker:
    """A worker of this environment.

    Parameters
    ----------
    name : str
        Which one, of `WORKERS`, or ``merge``.
    log : Path
        File that takes what it says; appended to.
    environment : mapping of str to str
        Its settings, besides the variables of this process.
    port : int or None
        Where it tells its health; at any free port, another one at each start, unless it is given.
    """

    def __init__(self, name: str, *, log: Path, environment: Mapping[str, str], port: int | None = None) -> None:
        self.name = name
        self.log = log
        self._environment = environment
        self._child: Child | None = None
        self._given_port = port
        self._port = port or 0

    @property
    def health(self) -> str:
        """Where it tells its health and metrics, as a URL."""
        return f"http://{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run."""
        return None if self._child is None else self._child.pid

    @property
    def code(self) -> int | None:
        """Exit code of a worker that ended by itself, negative for a signal."""
        return None if self._child is None else self._child.code

    def start(self) -> None:
        """Start it, without waiting until it is ready."""
        self.kill()
        self._port = self._given_port or free_port()
        program, *arguments = _COMMANDS[self.name]
        self._child = Child(
            [str(Path(sys.executable).parent / program), *arguments],
            log=self.log,
            environment=os.environ
            | dict(self._environment)
            | {"TUNEKIN_HEALTH_HOST": HOST, "TUNEKIN_HEALTH_PORT": str(self._port)},
        )

    def is_ready(self) -> bool:
        """Ask whether it works on all its partitions.

        Returns
        -------
        bool
            False also while it starts, and when it has ended.
        """
        if self.pid is None:
            return False
        connection = http.client.HTTPConnection(HOST, self._port, timeout=_ASK_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_until_ready(self, *, timeout_s: float) -> None:
        """Wait until it works on all its partitions.

        Parameters
        ----------
        timeout_s : float
            How long it may take.

        Raises
        ------
        DependencyError
            It ended, or took too long; the message has the end of its log.
        """
        give_up_s = time.monotonic() + timeout_s
        while not self.is_ready():
            if self.pid is None:
                raise self._trouble(f"ended with code {self.code}")
            if time.monotonic() > give_up_s:
                raise self._trouble(f"was not ready after {timeout_s:g} s")
            time.sleep(_POLL_S)

    def tell(self) -> None:
        """Ask it to end, without waiting."""
        if self._child is not None:
            self._child.tell()

    def stop(self, *, timeout_s: float = _STOP_S) -> None:
        """Let it finish its pass and leave its group, and end it by force where that takes too long.

        Parameters
        ----------
        timeout_s : float
            How long it may take.
        """
        if self._child is not None:
            self._child.stop(timeout_s=timeout_s)
            self._child = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _trouble(self, what: str) -> DependencyError:
        tail = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return DependencyError("\n".join([f"the worker {self.name} {what}; its log {self.log} ends:", *tail]))
