"""A server as a child process: started when it is wanted, ready when `Server.start` returns, gone with its parent."""

import os
import random
import secrets
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tunekin.errors import DependencyError
from tunekin_native.child import Child

__all__ = ["HOST", "Server", "cache_folder", "free_port", "kept_port", "program"]

HOST = "127.0.0.1"

# Below the ports that Linux gives to outgoing connections: while a server is down, a client that tries to reach it
# could be given that very port, and then talks to itself and keeps the server from coming back.
_PORTS = range(20_000, 32_768)
# Ports of servers of this process, which listen on them only once they have started.
_told: set[int] = set()
_INSTALL = "run deploy/native/install"
_LOG_TAIL_LINES = 25
_POLL_S = 0.05


def cache_folder() -> Path:
    """Folder that `deploy/native/install` fills with what is no package of the system.

    Returns
    -------
    Path
        ``TUNEKIN_NATIVE_CACHE``, else ``.cache`` of the checkout.
    """
    return Path(os.environ.get("TUNEKIN_NATIVE_CACHE") or Path(__file__).resolve().parents[3] / ".cache")


def free_port() -> int:
    """Find a port of the loopback interface that nobody listens on, and that this process has not been told of before.

    Returns
    -------
    int
        Its number; random, so that several test runs seldom choose the same.

    Raises
    ------
    DependencyError
        None was found.
    """
    for port in random.sample(_PORTS, 100):
        if port not in _told and _is_free(port):
            _told.add(port)
            return port
    raise DependencyError(f"of 100 ports between {_PORTS.start} and {_PORTS.stop - 1} none is free")


def kept_port(folder: Path) -> int:
    """Port that a folder's server had the last time, so that clients find it again; a free one where that is taken.

    Parameters
    ----------
    folder : Path
        The server's folder; made where it is not there.

    Returns
    -------
    int
        Its number, kept in the folder from now on.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = folder / "port"
    port = int(kept.read_text(encoding="utf-8")) if kept.exists() else free_port()
    if not _is_free(port):
        port = free_port()
    _told.add(port)
    kept.write_text(str(port), encoding="utf-8")
    return port


def program(*names: str) -> str:
    """Find a program.

    Parameters
    ----------
    *names : str
        What it may be called.

    Returns
    -------
    str
        Where the first of them is.

    Raises
    ------
    DependencyError
        None of them is installed.
    """
    # Debian keeps servers where only root's search path looks.
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
    for name in names:
        found = shutil.which(name, path=places)
        if found:
            return found
    raise DependencyError(f"{' or '.join(names)} is not installed", hint=_INSTALL)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Server(ABC):
    """A server with its data, settings and log under one folder.

    Parameters
    ----------
    folder : Path
        Where everything lies; made where it is not there, used again where it is.
    port : int or None
        Port on the loopback interface; any free one unless it is given. It stays the same when the server restarts.
    start_timeout_s : float
        How long the server may take until it is ready.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    port : int
        Port on the loopback interface.
    """

    name: ClassVar[str]
    # What the server logs once it takes connections.
    ready_line: ClassVar[bytes]

    def __init__(self, folder: Path, *, port: int | None = None, start_timeout_s: float = 60.0) -> None:
        self.folder = folder.resolve()
        self.port = free_port() if port is None else port
        self._start_timeout_s = start_timeout_s
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Host and port, as clients take them."""
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """File with everything that the server says."""
        return self.folder / "log"

    @property
    def pid(self) -> int | None:
        """Process id; None while the server does not run."""
        return None if self._child is None else self._child.pid

    @property
    def code(self) -> int | None:
        """Exit code of a server that ended by itself, negative for a signal."""
        return None if self._child is None else self._child.code

    def start(self) -> None:
        """Start the server and wait until it takes connections; nothing happens where it runs already.

        1. Make what it needs, the first time.
        2. Start it, with a watchdog beside it.
        3. Wait for the line in its log that says it is ready.

        Raises
        ------
        DependencyError
            Its program is missing, it ended, or it took too long; the message has the end of its log.
        """
        if self.pid is not None:
            return
        # Step 1
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.prepare()
        # Step 2
        self.kill()
        begin = self.log.stat().st_size if self.log.exists() else 0
        self._child = Child(self.command(), log=self.log, name=self.name, folder=self.folder)
        # Step 3
        try:
            self._wait(begin)
        except BaseException:
            self.kill()
            raise

    def stop(self, *, timeout_s: float = 30.0) -> None:
        """Let the server end in order, and by force where that takes too long.

        Parameters
        ----------
        timeout_s : float
            How long it may take.
        """
        if self._child is not None:
            self._child.stop(timeout_s=timeout_s)
            self._child = None

    def kill(self) -> None:
        """End the server at once, as a crash would; `start` brings it back with its data."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """Stop the server in order, then start it on the same port with the same data."""
        self.stop()
        self.start()

    @abstractmethod
    def prepare(self) -> None:
        """Write settings, and make the data where there is none."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Program with its arguments; it must stay in the foreground and log to its output."""

    def password(self) -> str:
        """Return the secret that this folder's server was given when it was first asked for.

        Returns
        -------
        str
            Letters and digits.
        """
        kept = self.folder / "password"
        if not kept.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.write("password", secrets.token_hex(16))
        return kept.read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder that nobody else may read.

        Parameters
        ----------
        name : str
            Its name.
        text : str
            What it holds.

        Returns
        -------
        Path
            Where it is.
        """
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, arguments: Sequence[str]) -> None:
        """Run a program that prepares the server's data.

        Parameters
        ----------
        arguments : sequence of str
            Program with its arguments.

        Raises
        ------
        DependencyError
            It failed; the message has what it said.
        """
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace")
            raise DependencyError(f"{self.name} can't be prepared: {Path(arguments[0]).name} failed:\n{said}")

    def _wait(self, begin: int) -> None:
        """Return once the log says so after `begin`; raise where that does not come."""
        deadline = time.monotonic() + self._start_timeout_s
        while self.ready_line not in self._logged(begin):
            if self.pid is None:
                raise self._trouble(f"ended with code {self.code} before it was ready", begin)
            if time.monotonic() > deadline:
                raise self._trouble(f"was not ready after {self._start_timeout_s:g} s", begin)
            time.sleep(_POLL_S)

    def _trouble(self, what: str, begin: int) -> DependencyError:
        tail = self._logged(begin).decode(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return DependencyError("\n".join([f"{self.name} on {self.address} {what}; its log {self.log} ends:", *tail]))

    def _logged(self, begin: int) -> bytes:
        with self.log.open("rb") as log:
            log.seek(begin)
            return log.read()
