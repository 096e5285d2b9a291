import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import tunekin.catalogue
from tests.component.catalogue.making import entry, index_of
from tunekin.catalogue import database
from tunekin.catalogue.database import check_schema, draft_revision, migrate, reading, writing
from tunekin.catalogue.models import Base
from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import DependencyError, SettingsError

MIGRATE = """
import sys
from tunekin.catalogue.database import check_schema, migrate, open_engine
engine = open_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
migrate(engine)
check_schema(engine)
"""


def test_the_migrated_tables_are_those_of_the_models(engine):
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_an_empty_database_is_to_be_migrated_first(new_engine):
    with pytest.raises(DependencyError, match="older"):
        check_schema(new_engine)
    migrate(new_engine)
    check_schema(new_engine)


def test_migrating_again_keeps_what_is_there(engine, reader, writer):
    writer.upsert_many([entry()])
    migrate(engine)
    assert (reader.count(), reader.version()) == (1, 1)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(engine):
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (migrate, check_schema):
        with pytest.raises(SettingsError, match=r"'9999'.*'0002'"):
            use(engine)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_processes_that_start_at_once_migrate_together(catalogue_url, new_engine):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, catalogue_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    # All have imported what they need before the first one begins.
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * 4
    assert CatalogueReader(new_engine).version() == 0


REBUILD = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

def upgrade():
    with op.batch_alter_table("tracks") as tracks:
        tracks.alter_column("isrc", type_=sa.String(300), existing_type=sa.String(255), existing_nullable=False)
"""


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A copy of the migrations, to add to."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(tunekin.catalogue.__file__).parent / "migrations", folder)
    monkeypatch.setattr(database, "_SCRIPTS", str(folder))
    return folder


def test_a_revision_that_builds_a_table_anew_keeps_what_hangs_on_it(engine, reader, writer, scripts):
    writer.upsert_many([entry(isrc="KRA381701234")])
    (scripts / "versions" / "0003_longer_isrc.py").write_text(REBUILD)
    with pytest.raises(DependencyError, match="'0003'"):
        check_schema(engine)
    migrate(engine)
    check_schema(engine)
    rows, version = index_of(reader)
    assert (rows["t1"].track.isrc, rows["t1"].mood, version) == ("KRA381701234", 1, 1)
    writer.remove("t1")
    assert reader.summaries("f1").track_ids == ()


def test_a_revision_that_fails_is_told_and_can_be_mended(engine, reader, scripts):
    revision = scripts / "versions" / "0003_longer_isrc.py"
    revision.write_text(REBUILD + "    raise ZeroDivisionError\n")
    with pytest.raises(ZeroDivisionError):
        migrate(engine)
    revision.write_text(REBUILD)
    migrate(engine)
    check_schema(engine)
    assert reader.version() == 0


def test_there_is_nothing_to_draft_while_models_and_revisions_agree(engine, scripts):
    draft_revision(engine, "nothing new")
    draft = scripts / "versions" / "0003_nothing_new.py"
    functions: dict[str, object] = {}
    exec(compile(draft.read_text(), draft, "exec"), functions)
    assert (functions["revision"], functions["down_revision"]) == ("0003", "0002")
    assert [line.strip() for line in draft.read_text().splitlines() if "op." in line] == []
