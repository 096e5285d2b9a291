"""Opening, migrating and checking the catalogue's database."""

import contextlib
import math
import sqlite3
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tunekin.ca_file import check_ca_file
from tunekin.errors import DependencyError, SettingsError

__all__ = ["check_schema", "draft_revision", "migrate", "open_engine", "opened", "reading", "writing"]

# Execution option of a transaction that is going to write.
_WRITES = "tunekin_writes"
_SCRIPTS = "tunekin.catalogue:migrations"
# Name of a server-wide lock, and how long a process waits for it: the first migration takes a second.
_MIGRATION_LOCK = "tunekin.migrate"
_MIGRATION_WAIT_S = 50
# Between two tries to set the journal mode, which takes a moment.
_WAL_PAUSE_S = 0.02
_URL_HINT = "use sqlite:///FILE or mysql://USER:PASSWORD@HOST/DATABASE"
# Of MySQL's URL. The driver knows others, but reads false as true in some, and speaks without TLS for want of others.
_SSL_OPTIONS = ("ssl_ca", "ssl_check_hostname")


def open_engine(
    url: str, *, lock_timeout_s: float = 30.0, connect_timeout_s: float = 10.0, io_timeout_s: float = 60.0
) -> Engine:
    """Open the catalogue's database; a server is reached when it is first used.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE``, or ``mysql://USER:PASSWORD@HOST/DATABASE`` for MySQL and MariaDB. With ``?ssl_ca=FILE`` a
        server has to speak TLS and to show a certificate of an authority in that file for its name, or for any name
        with ``&ssl_check_hostname=false``. Without, the connection is encrypted where the server offers it, and
        whoever answers is believed.
    lock_timeout_s : float
        How long a write waits for another one.
    connect_timeout_s : float
        How long connecting to a server may take.
    io_timeout_s : float
        How long a server may keep silent.

    Returns
    -------
    Engine
        Of SQLAlchemy.

    Raises
    ------
    SettingsError
        The URL is none of a database that Tunekin uses, the file's folder can't be made, or the file of certificates
        can't be used.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("the catalogue's URL can't be read", hint=_URL_HINT) from error
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, lock_timeout_s=lock_timeout_s)
        case "mysql" | "mariadb":
            _check_ssl_options(parsed)
            # The driver writes text in Latin-1.
            password = {} if parsed.password is None else {"password": parsed.password.encode()}
            return create_engine(
                parsed.set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"}),
                # A connection that the server closed while nobody used it is replaced, not used.
                pool_pre_ping=True,
                # Readers see one state from their first query to their last.
                isolation_level="REPEATABLE READ",
                connect_args={
                    **password,
                    "connect_timeout": math.ceil(connect_timeout_s),
                    "read_timeout": io_timeout_s,
                    "write_timeout": io_timeout_s,
                    "init_command": f"SET SESSION innodb_lock_wait_timeout = {max(math.ceil(lock_timeout_s), 1)}",
                },
            )
        case other:
            raise SettingsError(f"the catalogue's URL names {other!r}", hint=_URL_HINT)


@contextlib.contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Open the catalogue's database for a while, see `open_engine`.

    Parameters
    ----------
    url : str
        Its URL.

    Yields
    ------
    Engine
        Its connections are closed at the end.

    Raises
    ------
    SettingsError
        The URL is none of a database that Tunekin uses, or the file's folder can't be made.
    """
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _check_ssl_options(url: URL) -> None:
    """Refuse what the driver would misunderstand, or fail over at the first connection."""
    unknown = sorted(set(url.query) - {*_SSL_OPTIONS, "charset", "unix_socket"})
    if unknown:
        raise SettingsError(
            f"the catalogue's URL has the option {unknown[0]!r}", hint=f"it may have {' and '.join(_SSL_OPTIONS)}"
        )
    ca_file, checks_name = url.query.get("ssl_ca"), url.query.get("ssl_check_hostname", "true")
    if checks_name not in {"true", "false"}:
        raise SettingsError(f"ssl_check_hostname of the catalogue's URL is {checks_name!r}", hint="use true or false")
    if ca_file is not None:
        check_ca_file(str(ca_file), named="ssl_ca of the catalogue's URL")
    elif "ssl_check_hostname" in url.query:
        raise SettingsError(
            "the catalogue's URL has ssl_check_hostname, but no ssl_ca: nothing would be checked",
            hint="name the file of the authority's certificate by ssl_ca",
        )


def _open_sqlite(url: URL, *, lock_timeout_s: float) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError("the catalogue's URL names no file", hint="use sqlite:///FILE")
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the catalogue's folder {folder} can't be made: {error.strerror}", hint="choose a folder you may write"
        ) from error
    # Transactions begin by our own statement: the driver would begin them at the first write only.
    engine = create_engine(url, connect_args={"timeout": lock_timeout_s, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        _use_wal(connection, give_up_s=time.monotonic() + lock_timeout_s)
        # In WAL mode a power cut may lose the last transactions, never harm the file; Kafka or the caller has them.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads before it writes would fail, not wait, where another one wrote in between.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection, *, give_up_s: float) -> None:
    """Let readers go on while somebody writes; kept in the file, so this is a question after the first time."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # Changing the mode does not wait for others as every other statement does.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_s:
                raise
            time.sleep(_WAL_PAUSE_S)
        else:
            return


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Read one state of the catalogue.

    Parameters
    ----------
    engine : Engine
        The catalogue.

    Yields
    ------
    Connection
        All its queries see the state that the first one saw.

    Raises
    ------
    DependencyError
        The database can't be reached, or is locked for too long.
    """
    with _translated(), engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Change the catalogue in one transaction, committed at the end unless something was raised.

    Parameters
    ----------
    engine : Engine
        The catalogue.

    Yields
    ------
    Connection
        On SQLite, nobody else writes meanwhile.

    Raises
    ------
    DependencyError
        The database can't be reached, or is locked for too long.
    """
    with _translated(), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Make a server that is down, and a lock that does not come, an error that says so."""
    try:
        yield
    except PoolTimeoutError as error:
        raise DependencyError("the catalogue has no connection free", hint="use fewer threads") from error
    except DBAPIError as error:
        if _is_no_database(error):
            raise SettingsError(
                f"the catalogue can't be used: {error.orig}", hint="restore it from a copy, or name another file"
            ) from error
        if not _is_passing(error):
            raise
        raise DependencyError(f"the catalogue is unavailable: {error.orig}", hint=_what_to_do(error)) from error


def _what_to_do(error: DBAPIError) -> str:
    """Say what makes a server available that is not."""
    if isinstance(error.orig, BaseException) and isinstance(error.orig.__context__, ssl.SSLCertVerificationError):
        return (
            "name in TUNEKIN_CATALOGUE_URL the server as its certificate does, "
            "and by ssl_ca the file with the certificate of the authority that signed it"
        )
    return "check that its database runs and lets Tunekin in"


def _is_no_database(error: DBAPIError) -> bool:
    """Whether a file is none of SQLite's, or damaged."""
    return getattr(error.orig, "sqlite_errorcode", None) in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


def _is_passing(error: DBAPIError) -> bool:
    """Whether the same statement can work later."""
    if isinstance(error.orig, sqlite3.Error):
        # SQLITE_ERROR is a statement that is wrong, by its text or by what tables there are.
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR
    return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated


# --- schema ----------------------------------------------------------------------------------------------------------


def migrate(engine: Engine) -> None:
    """Bring the tables to the state that this code needs; any number of processes may do so at once.

    Parameters
    ----------
    engine : Engine
        The catalogue, empty or made by this or an older version.

    Raises
    ------
    SettingsError
        A newer version of Tunekin made it.
    DependencyError
        The database can't be reached, or is locked for too long.
    """
    # Nothing to do is the usual case, and takes no lock.
    if _is_current(engine):
        return
    with _translated(), engine.execution_options(**{_WRITES: True}).connect() as connection, _alone(connection):
        # Looks again at what there is, since another process may have done it while this one waited.
        command.upgrade(_config(connection), "head")
        connection.commit()


def check_schema(engine: Engine) -> None:
    """See that the tables are what this code needs, without changing anything.

    Parameters
    ----------
    engine : Engine
        The catalogue.

    Raises
    ------
    SettingsError
        A newer version of Tunekin made it.
    DependencyError
        It is yet to be migrated, or can't be reached.
    """
    if not _is_current(engine):
        raise DependencyError(
            f"the catalogue's tables are older than revision {_head()!r}, which this version of Tunekin needs",
            hint="migrate it by `tunekin setup`",
        )


def draft_revision(engine: Engine, message: str) -> None:
    """Write the next revision's draft beside the others; for developers, who read and complete it.

    Parameters
    ----------
    engine : Engine
        A migrated catalogue; the draft changes its tables into those of `tunekin.catalogue.models`.
    message : str
        What changes, in a few words.
    """
    with reading(engine) as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=f"{int(_head()) + 1:04}")


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keep other processes from migrating."""
    if connection.dialect.name == "sqlite":
        # SQLite alters a table by dropping it, and rows that refer to it would go with it.
        # A transaction would ignore the switch, and SQLAlchemy begins one with each statement: so by the driver.
        driver = connection.connection
        driver.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            yield
        finally:
            connection.rollback()
            driver.cursor().execute("PRAGMA foreign_keys=ON")
        return
    # MySQL has no transactions for tables.
    if not connection.scalar(select(func.get_lock(_MIGRATION_LOCK, _MIGRATION_WAIT_S))):
        raise DependencyError(
            f"another process has been migrating for more than {_MIGRATION_WAIT_S} s", hint="wait until it is done"
        )
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(select(func.release_lock(_MIGRATION_LOCK)))


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.attributes["connection"] = connection
    return config


def _head() -> str:
    """Revision of the tables that this code needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _revision(connection: Connection) -> str | None:
    """Revision of the tables that there are."""
    return MigrationContext.configure(connection).get_current_revision()


def _is_current(engine: Engine) -> bool:
    """Whether there is nothing to migrate; raises for a newer database."""
    with reading(engine) as connection:
        revision = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise SettingsError(
            f"the catalogue's tables have revision {revision!r}; this version of Tunekin knows up to {_head()!r}",
            hint="upgrade Tunekin, or use another catalogue",
        )
    return revision == _head()
