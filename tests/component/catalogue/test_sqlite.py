import sqlite3
from pathlib import Path

import pytest

from tests.component.catalogue.making import entry
from tunekin.catalogue.database import check_schema, migrate, open_engine, opened
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.errors import DependencyError, SettingsError


def migrated(url: str, **options):
    engine = open_engine(url, **options)
    migrate(engine)
    return engine


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def test_the_folder_of_the_file_is_made(sqlite_url):
    migrated(sqlite_url).dispose()
    assert file_of(sqlite_url).is_file()


def test_a_catalogue_that_was_opened_for_a_while_is_closed_whatever_happens(sqlite_url):
    engines, pools = [], []

    def fail() -> None:
        with opened(sqlite_url) as engine:
            migrate(engine)
            engines.append(engine)
            pools.append(engine.pool)
            raise SettingsError("on purpose")

    with pytest.raises(SettingsError, match="on purpose"):
        fail()
    # Disposed of: its connections went with the pool.
    assert engines[0].pool is not pools[0]


def test_readers_do_not_wait_for_a_writer_nor_for_ever_for_a_lock(sqlite_url):
    engine = migrated(sqlite_url, lock_timeout_s=0.05)
    other = sqlite3.connect(file_of(sqlite_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert CatalogueReader(engine).count() == 0
    with pytest.raises(DependencyError, match="locked") as raised:
        CatalogueWriter(engine, clock=lambda: 0.0).upsert([entry()])
    assert raised.value.retriable
    other.execute("ROLLBACK")
    other.close()
    assert CatalogueWriter(engine, clock=lambda: 0.0).upsert([entry()])[0].catalogue_version == 1
    engine.dispose()


def test_a_catalogue_moves_with_its_file(sqlite_url, tmp_path):
    engine = migrated(sqlite_url)
    CatalogueWriter(engine, clock=lambda: 0.0).upsert([entry("가")])
    engine.dispose()
    moved = file_of(sqlite_url).rename(tmp_path / "moved 100%.sqlite")
    engine = open_engine(f"sqlite:///{moved}")
    check_schema(engine)
    assert CatalogueReader(engine).track("가") is not None
    engine.dispose()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "song.mp3"
    file.write_bytes(b"ID3" + bytes(10_000))
    engine = open_engine(f"sqlite:///{file}")
    with pytest.raises(SettingsError, match="not a database"):
        migrate(engine)
    engine.dispose()
    assert file.read_bytes() == b"ID3" + bytes(10_000)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="can't be made"):
        open_engine(f"sqlite:///{tmp_path / 'file' / 'home' / 'catalogue.sqlite'}")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://db/tunekin", "catalogue.sqlite", ""])
def test_a_url_of_no_database_that_is_used_is_refused(url):
    with pytest.raises(SettingsError) as raised:
        open_engine(url)
    assert "sqlite:///FILE" in raised.value.hint


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("ssl_mode=REQUIRED", "the option 'ssl_mode'"),
        (
            "ssl_ca=/nowhere/ca.pem",
            "ssl_ca of the catalogue's URL is '/nowhere/ca.pem', which can't be used: No such file",
        ),
        ("ssl_ca=/etc/hosts", "ssl_ca of the catalogue's URL is '/etc/hosts', which can't be used"),
        ("ssl_ca=/etc/hosts&ssl_check_hostname=no", "ssl_check_hostname of the catalogue's URL is 'no'"),
        ("ssl_check_hostname=true", "nothing would be checked"),
    ],
)
def test_what_the_driver_of_mysql_would_misunderstand_is_refused_at_the_start(query, why):
    with pytest.raises(SettingsError, match=why) as raised:
        open_engine(f"mysql://tunekin:sesame@127.0.0.1/tunekin?{query}")
    assert "sesame" not in f"{raised.value.message} {raised.value.hint}"
