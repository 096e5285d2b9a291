"""A whole distributed Tunekin under one folder: servers, Prometheus and workers, each brought back when it ends.

==================  ===============================================================
in the folder       what it is
==================  ===============================================================
``env``             variables for a shell: how this installation's parts are reached
``kafka`` …         data, settings and log of a server
``logs``            logs of the workers
``health``          ports at which the workers tell their health
``blobs``           values too large for a record
``supervisor.log``  what the supervisor did
``lock``            held while the supervisor runs; its process id
``ready``           there while everything runs
==================  ===============================================================
"""

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from tunekin.errors import DependencyError
from tunekin_native.kafka import Kafka
from tunekin_native.mariadb import MariaDB
from tunekin_native.prometheus import Prometheus
from tunekin_native.redis import Redis
from tunekin_native.server import Server, kept_port
from tunekin_native.supervisor import supervise
from tunekin_native.workers import WORKERS, Worker

__all__ = ["Stack", "variables"]

# Of workers that start side by side on few cores.
_READY_TIMEOUT_S = 120.0


def variables(*, kafka: Kafka, mariadb: MariaDB, redis: Redis, blobs: Path, readable: Sequence[Path]) -> dict[str, str]:
    """Name the settings by which programs reach an installation on native servers.

    Parameters
    ----------
    kafka : Kafka
        The broker.
    mariadb : MariaDB
        The catalogue.
    redis : Redis
        The cache.
    blobs : Path
        Folder for values too large for a record.
    readable : sequence of Path
        Folders from which published records may refer to sound.

    Returns
    -------
    dict of str to str
        Values by the variables' names.
    """
    prefixes = ", ".join(f'"{folder.absolute().as_uri()}/"' for folder in readable)
    return {
        "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS": kafka.address,
        "TUNEKIN_CATALOGUE_URL": mariadb.url,
        "TUNEKIN_CACHE_URL": redis.url,
        "TUNEKIN_BLOBS_ROOT": blobs.absolute().as_uri(),
        "TUNEKIN_BLOBS_READABLE": f"[{prefixes}]",
    }


class Stack:
    """Servers and workers as children of this process.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    readable : sequence of Path
        Folders from which published records may refer to sound.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    variables : dict of str to str
        Settings by which programs reach it.
    workers : dict of str to Worker
        One of each kind.
    """

    def __init__(self, folder: Path, *, readable: Sequence[Path]) -> None:
        self.folder = folder.absolute()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        (self.folder / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "blobs").mkdir(exist_ok=True)
        self._kafka = Kafka(self.folder / "kafka", port=kept_port(self.folder / "kafka"))
        self._mariadb = MariaDB(self.folder / "mariadb", port=kept_port(self.folder / "mariadb"))
        self._redis = Redis(self.folder / "redis", port=kept_port(self.folder / "redis"))
        self.variables = variables(
            kafka=self._kafka,
            mariadb=self._mariadb,
            redis=self._redis,
            blobs=self.folder / "blobs",
            readable=readable,
        )
        self._prometheus = Prometheus(self.folder / "prometheus", port=kept_port(self.folder / "prometheus"))
        self.workers = {
            name: Worker(
                name,
                log=self.folder / "logs" / f"{name}.log",
                environment=self.variables,
                port=kept_port(self.folder / "health" / name),
            )
            for name in WORKERS
        }

    @property
    def servers(self) -> tuple[Server, ...]:
        """Kafka, MariaDB, Redis and Prometheus."""
        return self._kafka, self._mariadb, self._redis, self._prometheus

    def another(self, name: str) -> Worker:
        """Make a worker of this installation, which whoever asked starts and ends.

        Parameters
        ----------
        name : str
            Which one, of `WORKERS`.

        Returns
        -------
        Worker
            Not started.
        """
        return Worker(name, log=self.folder / "logs" / f"{name} besides.log", environment=self.variables)

    def start(self) -> None:
        """Bring everything up.

        1. Start the servers.
        2. Say how they are reached.
        3. Create topics, migrate, and write the model's moods.
        4. Start the workers side by side, and wait until they are ready.
        5. Have Prometheus ask them for their metrics.

        Raises
        ------
        DependencyError
            Something did not start; the message says what.
        """
        # Step 1
        for server in self.servers:
            server.start()
            self._log.info("server.ready", server=server.name, address=server.address)
        # Step 2
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.variables.items()]
        env = self.folder / "env"
        env.touch(mode=0o600)
        env.write_text("".join(lines), encoding="utf-8")
        # Step 3
        self._set_up()
        # Step 4
        for worker in self.workers.values():
            worker.start()
        for worker in self.workers.values():
            worker.wait_until_ready(timeout_s=_READY_TIMEOUT_S)
            self._log.info("worker.ready", worker=worker.name, pid=worker.pid, health=worker.health)
        # Step 5
        self._prometheus.ask({name: worker.health for name, worker in self.workers.items()})

    def watch(self, stop: threading.Event) -> None:
        """Start anew whatever ends, until told to stop.

        Parameters
        ----------
        stop : threading.Event
            Set by whoever wants everything to end.
        """
        supervise([*self.servers, *self.workers.values()], stop)

    def close(self) -> None:
        """End the workers in order, then the servers."""
        for worker in self.workers.values():
            worker.tell()
        for worker in self.workers.values():
            worker.stop()
        for server in reversed(self.servers):
            server.stop()

    def _set_up(self) -> None:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "tunekin"), "setup"],
            env=os.environ | self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DependencyError(f"tunekin setup failed:\n{done.stdout}")
        for line in done.stdout.splitlines():
            self._log.info("setup", said=line)
