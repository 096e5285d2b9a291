"""A catalogue to test with, on every database that Tunekin uses."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from tunekin.catalogue.database import migrate, open_engine, writing
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.writer import CatalogueWriter
from tunekin_native.mariadb import MariaDB


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'catalogue.sqlite'}"


@pytest.fixture
def mariadb_url(mariadb_server: MariaDB) -> Iterator[str]:
    name = f"tunekin_{uuid4().hex}"
    admin = open_engine(mariadb_server.url)
    with writing(admin) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield mariadb_server.url_of(name)
    with writing(admin) as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()


# A server joins by its name here and a fixture of that name with `_url`, which makes an empty database for each test.
@pytest.fixture(params=["sqlite", "mariadb"])
def catalogue_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def new_engine(catalogue_url: str):
    engine = open_engine(catalogue_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(new_engine):
    migrate(new_engine)
    return new_engine


@pytest.fixture
def reader(engine):
    return CatalogueReader(engine)


@pytest.fixture
def writer(engine):
    seconds = itertools.count(1_000)
    return CatalogueWriter(engine, clock=lambda: float(next(seconds)))
