"""Redis, which keeps nothing when it ends: it is a cache here."""

from collections.abc import Sequence
from typing import ClassVar

from tunekin_native.server import HOST, Server, program

__all__ = ["Redis"]

_SETTINGS = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
"""


class Redis(Server):
    """A Redis server with a password, without persistence."""

    name: ClassVar[str] = "redis-server"
    ready_line: ClassVar[bytes] = b"Ready to accept connections"

    @property
    def url(self) -> str:
        """How clients reach it."""
        return f"redis://:{self.password()}@{self.address}/0"

    def settings(self) -> str:
        """Say how the server is to run.

        Returns
        -------
        str
            Lines of its configuration; of two for the same the last counts.
        """
        return _SETTINGS.format(host=HOST, port=self.port, password=self.password(), folder=self.folder)

    def prepare(self) -> None:
        """Write the settings."""
        self.write("redis.conf", self.settings())

    def command(self) -> Sequence[str]:
        """Program with its arguments.

        Returns
        -------
        sequence of str
            Debian's package redis-tools holds the server too, as redis-check-rdb: one program, which does what the
            name says that it is called by. Its package redis-server would start a service.
        """
        return [program("redis-server", "redis-check-rdb"), "redis.conf"]
