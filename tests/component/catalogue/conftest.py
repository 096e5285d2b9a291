"""A catalogue to test with, on every database that Tunekin uses."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tests.component.catalogue.making import empty
from tunekin.catalogue.database import migrate, opened, writing
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.writer import CatalogueWriter
from tunekin_native.mariadb import MariaDB


@contextlib.contextmanager
def database_of(server: MariaDB) -> Iterator[str]:
    name = f"tunekin_{uuid4().hex}"
    with opened(server.url) as admin:
        with writing(admin) as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.url_of(name)
        with writing(admin) as connection:
            connection.execute(text(f"DROP DATABASE {name}"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'catalogue.sqlite'}"


@pytest.fixture
def mariadb_url(mariadb_server: MariaDB) -> Iterator[str]:
    with database_of(mariadb_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with opened(f"sqlite:///{tmp_path_factory.mktemp('migrated') / 'catalogue.sqlite'}") as engine:
        migrate(engine)
        yield engine


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb_server: MariaDB) -> Iterator[Engine]:
    with database_of(mariadb_server) as url, opened(url) as engine:
        migrate(engine)
        yield engine


# A server joins by its name here and two fixtures: NAME_url makes an empty database for each test, migrated_NAME one
# with tables for all of them, since making tables takes a second.
@pytest.fixture(params=["sqlite", "mariadb"])
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def catalogue_url(request: pytest.FixtureRequest, server: str) -> str:
    url: str = request.getfixturevalue(f"{server}_url")
    return url


@pytest.fixture
def new_engine(catalogue_url: str) -> Iterator[Engine]:
    """A database without tables."""
    with opened(catalogue_url) as engine:
        yield engine


@pytest.fixture
def engine(request: pytest.FixtureRequest, server: str) -> Engine:
    """A catalogue that holds nothing."""
    migrated: Engine = request.getfixturevalue(f"migrated_{server}")
    empty(migrated)
    return migrated


@pytest.fixture
def reader(engine):
    return CatalogueReader(engine)


@pytest.fixture
def writer(engine):
    seconds = itertools.count(1_000)
    return CatalogueWriter(engine, clock=lambda: float(next(seconds)))
