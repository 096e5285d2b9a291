import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import tunekin.catalogue
from tests.component.catalogue.making import entry, frames_of, index_of
from tunekin.catalogue import database
from tunekin.catalogue.database import check_schema, draft_revision, migrate, reading, writing
from tunekin.catalogue.models import Base
from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import DependencyError, SettingsError
from tunekin.features import FEATURES, frames_to_bytes

MIGRATIONS = Path(tunekin.catalogue.__file__).parent / "migrations"
NEWEST = max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
NEXT = f"{int(NEWEST) + 1:04}"

MIGRATE = """
import sys
from tunekin.catalogue.database import check_schema, migrate, open_engine
engine = open_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
migrate(engine)
check_schema(engine)
"""


@pytest.fixture
def engine(new_engine):
    """A catalogue whose tables may be changed."""
    migrate(new_engine)
    return new_engine


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
    writer.upsert([entry()])
    migrate(engine)
    assert (reader.count(), reader.version()) == (1, 1)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(engine):
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (migrate, check_schema):
        with pytest.raises(SettingsError, match=f"'9999'.*'{NEWEST}'"):
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


REBUILD = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{NEWEST}"

def upgrade():
    with op.batch_alter_table("tracks") as tracks:
        tracks.alter_column("isrc", type_=sa.String(300), existing_type=sa.String(255), existing_nullable=False)
"""


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A copy of the migrations, to add to."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    monkeypatch.setattr(database, "_SCRIPTS", str(folder))
    return folder


def test_a_revision_that_builds_a_table_anew_keeps_what_hangs_on_it(engine, reader, writer, scripts):
    writer.upsert([entry(isrc="KRA381701234")])
    (scripts / "versions" / f"{NEXT}_longer_isrc.py").write_text(REBUILD)
    with pytest.raises(DependencyError, match=f"'{NEXT}'"):
        check_schema(engine)
    migrate(engine)
    check_schema(engine)
    rows, version = index_of(reader)
    assert (rows["t1"].track.isrc, rows["t1"].mood, version) == ("KRA381701234", 1, 1)
    writer.remove("t1")
    assert reader.summaries("f1", summary_size=3).track_ids == ()


def test_a_revision_that_fails_is_told_and_can_be_mended(engine, reader, scripts):
    revision = scripts / "versions" / f"{NEXT}_longer_isrc.py"
    revision.write_text(REBUILD + "    raise ZeroDivisionError\n")
    with pytest.raises(ZeroDivisionError):
        migrate(engine)
    revision.write_text(REBUILD)
    migrate(engine)
    check_schema(engine)
    assert reader.version() == 0


def test_there_is_nothing_to_draft_while_models_and_revisions_agree(engine, scripts):
    draft_revision(engine, "nothing new")
    draft = scripts / "versions" / f"{NEXT}_nothing_new.py"
    functions: dict[str, object] = {}
    exec(compile(draft.read_text(), draft, "exec"), functions)
    assert (functions["revision"], functions["down_revision"]) == (NEXT, NEWEST)
    assert [line.strip() for line in draft.read_text().splitlines() if "op." in line] == []


def test_what_songs_are_filtered_by_is_filled_in_for_what_was_there_before(new_engine, scripts):
    later = [file for file in (scripts / "versions").glob("[0-9]*.py") if file.name > "0003"]
    for file in later:
        file.unlink()
    migrate(new_engine)
    summary = np.zeros(FEATURES.summary_size, "<f4")
    summary[FEATURES.summary_names.index("tempo_bpm")] = 126
    with writing(new_engine) as connection:
        for track_id, stored in (("long", summary), ("short", summary[:3])):
            connection.execute(
                text(
                    "INSERT INTO tracks (track_id, title, artist, album, duration_s, isrc, musicbrainz_id, source_uri, "
                    "content_sha256, added_ms, updated_ms) VALUES (:id, '', '', '', 1, '', '', '', '', 0, 0)"
                ),
                {"id": track_id},
            )
            connection.execute(
                text(
                    "INSERT INTO track_features (track_id, feature_version, summary, frames, frame_count, n_mfcc) "
                    "VALUES (:id, 'f1', :summary, :frames, 8, 20)"
                ),
                {"id": track_id, "summary": stored.tobytes(), "frames": frames_to_bytes(frames_of(8))},
            )
    for file in later:
        shutil.copy(MIGRATIONS / "versions" / file.name, file)
    migrate(new_engine)
    rows, _ = index_of(CatalogueReader(new_engine))
    assert (rows["long"].tempo_bpm, rows["short"].tempo_bpm) == (126, None)
    assert (rows["long"].track.year, rows["long"].track.tags) == (0, ())
