"""MariaDB with one database and one user."""

import getpass
from collections.abc import Sequence
from typing import ClassVar

from tunekin_native.server import HOST, Server, program

__all__ = ["MariaDB"]

# Executed at each start, before the first connection, so nobody ever connects as root with a password.
_FIRST_STATEMENTS = """\
CREATE DATABASE IF NOT EXISTS tunekin;
CREATE USER IF NOT EXISTS 'tunekin'@'{host}';
ALTER USER 'tunekin'@'{host}' IDENTIFIED BY '{password}';
GRANT ALL ON `tunekin%`.* TO 'tunekin'@'{host}';
"""


class MariaDB(Server):
    """A MariaDB server with the database ``tunekin`` and a user who may make others called ``tunekin…``."""

    name: ClassVar[str] = "mariadbd"
    ready_line: ClassVar[bytes] = b"ready for connections"

    @property
    def url(self) -> str:
        """How clients reach the database ``tunekin``."""
        return self.url_of("tunekin")

    def url_of(self, database: str) -> str:
        """Say how clients reach a database.

        Parameters
        ----------
        database : str
            Its name.

        Returns
        -------
        str
            Its URL, as `tunekin.catalogue.database.open_engine` takes it.
        """
        return f"mysql://tunekin:{self.password()}@{self.address}/{database}"

    def prepare(self) -> None:
        """Make the system tables, the first time, and say what is done at each start."""
        if not (self.folder / "data" / "mysql").exists():
            self.run(
                [
                    program("mariadb-install-db"),
                    "--no-defaults",
                    f"--datadir={self.folder / 'data'}",
                    f"--tmpdir={self.folder / 'tmp'}",
                    f"--user={getpass.getuser()}",
                    # Root is whoever started the server, by the socket alone.
                    "--auth-root-authentication-method=socket",
                    f"--auth-root-socket-user={getpass.getuser()}",
                    "--skip-test-db",
                    "--skip-name-resolve",
                ]
            )
        self.write("first.sql", self.first_statements())

    def first_statements(self) -> str:
        """Say what is executed at each start, before the first connection.

        Returns
        -------
        str
            SQL, a statement a line.
        """
        return _FIRST_STATEMENTS.format(host=HOST, password=self.password())

    def command(self) -> Sequence[str]:
        """Program with its arguments.

        Returns
        -------
        sequence of str
            Without any settings of the machine.
        """
        return [
            program("mariadbd"),
            "--no-defaults",
            f"--user={getpass.getuser()}",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder / 'tmp'}",
            f"--init-file={self.folder / 'first.sql'}",
            f"--pid-file={self.folder / 'pid'}",
            # Relative to the data, since the name of a socket has at most 107 bytes.
            "--socket=socket",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_bin",
            "--max-allowed-packet=64M",
            # What is committed survives the process, if not the machine: that costs no waiting for the disk.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-buffer-pool-size=64M",
            "--performance-schema=OFF",
        ]
