"""Apache Kafka in KRaft mode: broker and controller in one process."""

import base64
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tunekin.errors import DependencyError
from tunekin_native.server import HOST, Server, cache_folder, free_port, program

__all__ = ["Kafka", "jars"]

_HERE = Path(__file__).resolve().parents[1]
# No folder here may be called kafka, or type checkers would take it for the client.
_LOGGING = _HERE / "kafka-server" / "log4j2.properties"

# A broker that was killed looks through every partition's log first: 105 s for 138 of them where the disk was slow.
_START_TIMEOUT_S = 300.0

_SETTINGS = """\
process.roles=broker,controller
node.id=1
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENTS://{host}:{port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={folder}/data

# There is one broker.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# Topics are made from Tunekin's table of them, or not at all.
auto.create.topics.enable=false

# Fewer files to open when the first group comes and after a crash.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4

# A group of a few members need not wait for others, and may learn soon that one is gone.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000

# A broker that was killed may register again when its old registration has timed out.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000

# Small, for a heap of 512 MiB.
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""


def jars() -> Path:
    """Find Kafka's jars.

    Returns
    -------
    Path
        Folder that `deploy/native/install` filled.

    Raises
    ------
    DependencyError
        They are not there, or are those of another version.
    """
    folder = cache_folder() / "kafka"
    wanted, kept = _HERE / "kafka-server" / "pom.xml", folder / "pom.xml"
    if not kept.exists() or kept.read_bytes() != wanted.read_bytes():
        raise DependencyError(f"{folder} does not hold the jars that {wanted} names", hint="run deploy/native/install")
    return folder


class Kafka(Server):
    """A Kafka broker without authentication.

    Parameters
    ----------
    folder : Path
        Where everything lies; made where it is not there, used again where it is.
    port : int or None
        Port on the loopback interface; any free one unless it is given. It stays the same when the server restarts.
    start_timeout_s : float
        How long the server may take until it is ready.
    """

    name: ClassVar[str] = "kafka"
    ready_line: ClassVar[bytes] = b"Kafka Server started"

    def __init__(self, folder: Path, *, port: int | None = None, start_timeout_s: float = _START_TIMEOUT_S) -> None:
        super().__init__(folder, port=port, start_timeout_s=start_timeout_s)
        self._controller_port = free_port()

    def settings(self) -> str:
        """Say how the broker is to run.

        Returns
        -------
        str
            Properties of Kafka; of two with the same name the last counts.
        """
        return _SETTINGS.format(host=HOST, port=self.port, controller_port=self._controller_port, folder=self.folder)

    def accounts(self) -> Sequence[str]:
        """Say who may log in from the first start on.

        Returns
        -------
        sequence of str
            Each as the option ``--add-scram`` of Kafka's StorageTool takes it.
        """
        return ()

    def prepare(self) -> None:
        """Write the settings, and format the folder of the data the first time."""
        settings = self.write("server.properties", self.settings())
        if not (self.folder / "data" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            self.run(
                [
                    *self._java("64m"),
                    "kafka.tools.StorageTool",
                    "format",
                    f"--cluster-id={cluster}",
                    f"--config={settings}",
                    *(f"--add-scram={account}" for account in self.accounts()),
                ]
            )

    def command(self) -> Sequence[str]:
        """Program with its arguments.

        Returns
        -------
        sequence of str
            Of the broker.
        """
        return [*self._java("512m"), "kafka.Kafka", str(self.folder / "server.properties")]

    def _java(self, heap: str) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        return [
            f"{home}/bin/java" if home else program("java"),
            f"-Xmx{heap}",
            # The heap is small, and the cores are for the workers.
            "-XX:+UseSerialGC",
            # Nothing outside of the folder.
            "-XX:-UsePerfData",
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            f"-Dlog4j2.configurationFile={_LOGGING}",
            "-cp",
            f"{jars()}/*",
        ]
