"""A ranker starts from what the one before it kept, and holds what the catalogue holds, whatever lies in the folder."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.component.ranker.test_catalogue_snapshots import Catalogue
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.features import FEATURES
from tunekin_ranker.adapters.catalogue_snapshots import CatalogueSnapshots
from tunekin_ranker.adapters.snapshot_files import SnapshotFiles
from tunekin_ranker.dtw import Clip
from tunekin_ranker.search import search
from tunekin_ranker.snapshot import Snapshot

COUNT = 60


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = Catalogue(tmp_path / "catalogue.sqlite")
    # So long ago that nothing of it is read again.
    catalogue.writer = CatalogueWriter(catalogue.engine, clock=lambda: time.time() - 3_600)
    for seed in range(COUNT):
        catalogue.put(f"t{seed:02}", artist=f"artist {seed % 20}", mood=seed % 3, seed=seed)
    catalogue.writer = CatalogueWriter(catalogue.engine, clock=lambda: time.time() - 1_800)
    catalogue.put("late")
    catalogue.writer = CatalogueWriter(catalogue.engine, clock=time.time)
    yield catalogue
    catalogue.engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "here"


def started(catalogue: Catalogue, folder: Path, *, model_version: str = "") -> tuple[Snapshot, dict[str, object]]:
    """Start a ranker; also return what it logs of that."""
    snapshots = CatalogueSnapshots(
        CatalogueReader(catalogue.engine),
        model_version=model_version or catalogue.model_version,
        files=SnapshotFiles(folder),
    )
    with capture_logs() as logs:
        snapshot = snapshots.current()
    return snapshot, {event["event"]: event.get("read", event.get("error")) for event in logs}


def answers(snapshot: Snapshot) -> object:
    clip = Clip(np.random.default_rng(5).normal(size=(20, FEATURES.n_mfcc)).astype(np.float16))
    return search(snapshot.index, clip, k=9).hits


def described(snapshot: Snapshot) -> object:
    infos = {
        track_id: (info.title, info.artist, info.album, info.duration_s, info.probabilities.tolist())
        for track_id, info in snapshot.infos.items()
    }
    index = snapshot.index
    facts = {
        one.track_id: (one.mood, one.year, one.tempo_bpm, one.tags)
        for one in map(index.track_at, np.flatnonzero(index.alive).tolist())
    }
    return infos, facts, snapshot.moods, snapshot.catalogue_version, snapshot.feature_version, snapshot.model_version


def test_the_next_start_reads_nothing_but_what_came_last_and_answers_the_same(
    catalogue: Catalogue, folder: Path
) -> None:
    first, logs = started(catalogue, folder)
    assert logs == {"catalogue.loaded": COUNT + 1}
    again, logs = started(catalogue, folder)
    assert logs == {"catalogue.loaded": 1}
    assert answers(again) == answers(first)
    assert described(again) == described(first)


def test_what_changed_meanwhile_is_taken_up(catalogue: Catalogue, folder: Path) -> None:
    started(catalogue, folder)
    catalogue.remove("t03")
    catalogue.put("t04", seed=77, mood=1)
    catalogue.put("new", seed=78)
    again, logs = started(catalogue, folder)
    fresh = CatalogueSnapshots(CatalogueReader(catalogue.engine), model_version=catalogue.model_version).current()
    # The last of the state before is read once more.
    assert logs == {"catalogue.loaded": 4}
    assert answers(again) == answers(fresh)
    assert described(again) == described(fresh)
    # That was enough of a change to keep the newer state.
    _, logs = started(catalogue, folder)
    assert logs == {"catalogue.loaded": 2}
    assert len(list(folder.iterdir())) == 1


def test_changes_go_on_from_a_state_that_was_kept(catalogue: Catalogue, folder: Path) -> None:
    started(catalogue, folder)
    snapshots = CatalogueSnapshots(
        CatalogueReader(catalogue.engine), model_version=catalogue.model_version, files=SnapshotFiles(folder)
    )
    snapshots.current()
    snapshots.apply(catalogue.put("new", seed=79))
    snapshots.apply(catalogue.remove("t05"))
    fresh = CatalogueSnapshots(CatalogueReader(catalogue.engine), model_version=catalogue.model_version).current()
    assert answers(snapshots.current()) == answers(fresh)
    assert described(snapshots.current()) == described(fresh)


def test_another_catalogue_is_never_taken_for_the_one_that_was_kept(
    catalogue: Catalogue, folder: Path, tmp_path: Path
) -> None:
    started(catalogue, folder)
    other = Catalogue(tmp_path / "other.sqlite")
    for seed in range(COUNT + 1):
        other.put(f"t{seed:02}", seed=1_000 + seed)
    snapshot, logs = started(other, folder)
    fresh = CatalogueSnapshots(CatalogueReader(other.engine), model_version=other.model_version).current()
    assert logs == {"catalogue.loaded": COUNT + 1}
    assert answers(snapshot) == answers(fresh)
    other.engine.dispose()


def test_a_state_of_another_mood_model_is_not_used(catalogue: Catalogue, folder: Path) -> None:
    started(catalogue, folder)
    _, logs = started(catalogue, folder, model_version="other")
    assert logs == {"catalogue.loaded": COUNT + 1}


@pytest.mark.parametrize("file", ["head.msgpack", "0.bits.npy", "0.codes.npy"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_state_is_as_good_as_none(catalogue: Catalogue, folder: Path, file: str, damage: str) -> None:
    first, _ = started(catalogue, folder)
    [state] = folder.iterdir()
    path = state / file
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.unlink()
    again, logs = started(catalogue, folder)
    assert set(logs) == {"snapshot.unreadable", "catalogue.loaded"}
    assert logs["catalogue.loaded"] == COUNT + 1
    assert answers(again) == answers(first)
    _, logs = started(catalogue, folder)
    assert logs == {"catalogue.loaded": 1}


def test_a_state_of_another_format_and_an_unfinished_one_are_not_used(catalogue: Catalogue, folder: Path) -> None:
    started(catalogue, folder)
    [state] = folder.iterdir()
    head = (state / "head.msgpack").read_bytes()
    (state / "head.msgpack").write_bytes(re.sub(rb"(?<=\xa6format).", b"\x63", head))
    shutil.copytree(state, folder / "unfinished-1")
    _, logs = started(catalogue, folder)
    assert logs == {"catalogue.loaded": COUNT + 1}


def test_what_was_begun_and_abandoned_goes_with_the_next_state(catalogue: Catalogue, folder: Path) -> None:
    for name, age_s in (("unfinished-old", 7_200), ("unfinished-new", 60)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age_s,) * 2)
    started(catalogue, folder)
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == ["snapshot", "unfinished"]
    assert (folder / "unfinished-new").exists()


def test_a_folder_that_cannot_be_written_costs_the_next_start_only(catalogue: Catalogue, folder: Path) -> None:
    folder.parent.write_text("a file where a folder is wanted")
    snapshot, logs = started(catalogue, folder)
    assert set(logs) == {"snapshot.not_kept", "catalogue.loaded"}
    assert len(snapshot.index) == COUNT + 1


def test_a_state_in_use_outlives_the_next_one(catalogue: Catalogue, folder: Path) -> None:
    started(catalogue, folder)
    held, _ = started(catalogue, folder)
    before = answers(held)
    shutil.rmtree(folder)
    assert answers(held) == before
