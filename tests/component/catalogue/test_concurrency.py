import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tests.component.catalogue.making import entry, index_of
from tunekin.catalogue.database import writing
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.messages import Answer


def test_writers_at_once_count_every_change(reader, writer):
    def write(name: str) -> list[int]:
        return [writer.upsert([entry(f"{name}{i}")])[0].catalogue_version for i in range(20)]

    with ThreadPoolExecutor(3) as threads:
        versions = list(threads.map(write, "abc"))
    assert sorted(itertools.chain(*versions)) == list(range(1, 61))
    assert all(own == sorted(own) for own in versions)
    assert (reader.version(), reader.count()) == (60, 60)


def test_writers_of_one_track_at_once_add_it_once(reader, writer):
    with ThreadPoolExecutor(4) as threads:
        written = list(threads.map(lambda i: writer.upsert([entry(title=str(i))])[0], range(20)))
    assert sum(one.added for one in written) == 1
    assert reader.count() == 1


def test_the_same_outcome_delivered_at_once_is_stored_once(reader, writer):
    with ThreadPoolExecutor(4) as threads:
        answers = [Answer(clip_id="c", status="failed", clip_sha256=str(i)) for i in range(12)]
        list(threads.map(writer.put_answer, answers))
    assert reader.answer("c") in answers


def test_readers_see_whole_changes_only_while_somebody_writes(reader, writer):
    written = threading.Event()

    def write() -> None:
        try:
            for i in range(30):
                writer.upsert([entry(f"{i}{part}") for part in "abc"])
        finally:
            written.set()

    def read() -> list[int]:
        seen = []
        while not written.is_set():
            rows, version = index_of(reader, batch=10)
            assert len(rows) == version
            assert version % 3 == 0
            seen.append(version)
        return seen

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        threads.submit(write).result()
        for versions in (one.result() for one in readers):
            assert versions == sorted(versions)
    assert index_of(reader)[1] == 90


def test_a_change_that_fails_leaves_nothing_behind(engine, reader):
    def no_time() -> float:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        CatalogueWriter(engine, clock=no_time).upsert([entry()])
    assert (reader.version(), reader.count()) == (0, 0)


def test_a_wrong_statement_is_no_server_that_is_down(engine):
    with pytest.raises(Exception, match="nowhere") as raised, writing(engine) as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert type(raised.value).__module__.startswith("sqlalchemy")
