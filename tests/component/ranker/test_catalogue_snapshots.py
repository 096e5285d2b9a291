"""Snapshots that follow a real catalogue."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import event

from tunekin.catalogue.database import migrate, open_engine
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import Entry
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.features import FEATURES, frames_to_bytes, views_to_bytes
from tunekin.messages import CatalogueChange, Track
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.settings import ClassifierSettings
from tunekin_ranker.adapters.catalogue_frames import CatalogueFrames
from tunekin_ranker.adapters.catalogue_snapshots import CatalogueSnapshots
from tunekin_ranker.shard import WHOLE, Shard
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.taste import Song

MOODS = 10
NO_VIEWS = np.zeros(0, np.float16)


class Catalogue:
    """A catalogue on disk, its writer, and snapshots that follow it."""

    def __init__(self, path: Path) -> None:
        self.engine = open_engine(f"sqlite:///{path}")
        migrate(self.engine)
        self.writer = CatalogueWriter(self.engine, clock=time.time)
        manifest = OnnxMoodModel(ClassifierSettings().model).manifest
        self.model_version = manifest.version
        self.writer.put_moods(manifest.version, manifest.moods)
        self.snapshots = self.follow()

    def follow(self, shard: Shard = WHOLE) -> CatalogueSnapshots:
        """Snapshots of a part of the catalogue."""
        return CatalogueSnapshots(CatalogueReader(self.engine), model_version=self.model_version, shard=shard)

    def put(
        self,
        track_id: str,
        *,
        artist: str = "",
        mood: int = 0,
        seed: int = 0,
        model: str = "",
        views: NDArray[np.float16] = NO_VIEWS,
        isrc: str = "",
    ) -> CatalogueChange:
        frames = np.random.default_rng(seed).normal(size=(50, FEATURES.n_mfcc))
        probabilities = np.full(MOODS, 0.01)
        probabilities[mood] = 0.91
        entry = Entry(
            track=Track(
                track_id=track_id,
                title=f"title of {track_id}",
                artist=artist,
                duration_s=5.0,
                isrc=isrc,
                year=1990 + seed % 30,
                tags=("Jazz", "Live") if seed % 2 else (),
            ),
            feature_version=FEATURES.name,
            frames=frames_to_bytes(frames),
            summary=(60.0 + seed,) * FEATURES.summary_size,
            model_version=model or self.model_version,
            probabilities=tuple(probabilities.tolist()),
            views=views_to_bytes(views),
        )
        (written,) = self.writer.upsert([entry])
        return CatalogueChange(track_id=track_id, change="upserted", catalogue_version=written.catalogue_version)

    def learn(self, model: str) -> None:
        """Know another model, with half as many moods."""
        moods = OnnxMoodModel(ClassifierSettings().model).manifest.moods
        self.writer.put_moods(model, moods[: MOODS // 2])

    def remove(self, track_id: str) -> CatalogueChange:
        version = self.writer.remove(track_id).catalogue_version
        return CatalogueChange(track_id=track_id, change="removed", catalogue_version=version)

    @property
    def held(self) -> set[str]:
        snapshot = self.snapshots.current()
        assert len(snapshot.index) == len(snapshot.infos)
        assert all(snapshot.index.slot_of(track_id) is not None for track_id in snapshot.infos)
        return set(snapshot.infos)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = Catalogue(tmp_path / "catalogue.sqlite")
    yield catalogue
    catalogue.engine.dispose()


def test_what_songs_are_filtered_by_is_in_the_index(catalogue: Catalogue) -> None:
    catalogue.put("t", seed=41)
    index = catalogue.snapshots.current().index
    slot = index.slot_of("t")
    assert slot is not None
    held = index.track_at(slot)
    assert (held.year, held.tempo_bpm, held.tags) == (2001, 101.0, ("jazz", "live"))


def test_the_first_snapshot_holds_the_whole_catalogue(catalogue: Catalogue) -> None:
    catalogue.put("a", artist="Somebody", mood=3)
    last = catalogue.put("b")
    snapshot = catalogue.snapshots.current()
    assert catalogue.held == {"a", "b"}
    assert snapshot.catalogue_version == last.catalogue_version
    assert len(snapshot.moods) == MOODS
    slot = snapshot.index.slot_of("a")
    assert slot is not None
    assert (snapshot.index.track_at(slot).mood, snapshot.index.track_at(slot).group) == (3, "somebody")
    assert snapshot.infos["a"].title == "title of a"


def test_shards_hold_every_track_once_and_take_up_their_own_changes(catalogue: Catalogue) -> None:
    names = [f"song {number}" for number in range(40)]
    for name in names[:20]:
        catalogue.put(name)
    shards = [catalogue.follow(Shard(number, 3)) for number in (1, 2, 3)]
    for shard in shards:
        shard.current()
    changes = [catalogue.put(name) for name in names[20:]] + [catalogue.remove(names[0])]
    for shard in shards:
        for change in changes:
            shard.apply(change)
    held = [set(shard.current().infos) for shard in shards]
    assert all(held)
    assert sorted(name for part in held for name in part) == sorted(names[1:])
    assert {shard.current().catalogue_version for shard in shards} == {changes[-1].catalogue_version}
    fresh = [set(catalogue.follow(Shard(number, 3)).current().infos) for number in (1, 2, 3)]
    assert fresh == held


def test_a_shard_catches_up_with_its_own_part_only(catalogue: Catalogue) -> None:
    catalogue.put("a")
    shard = catalogue.follow(Shard(1, 2))
    shard.current()
    names = [f"song {number}" for number in range(20)]
    for name in names:
        catalogue.put(name)
    shard.refresh()
    assert set(shard.current().infos) == {name for name in ["a", *names] if Shard(1, 2).holds(name)}


def test_a_change_is_taken_up_and_the_snapshot_before_stays_as_it_was(catalogue: Catalogue) -> None:
    catalogue.put("a")
    before = catalogue.snapshots.current()
    catalogue.snapshots.apply(catalogue.put("b"))
    assert catalogue.held == {"a", "b"}
    assert set(before.infos) == {"a"}
    assert len(before.index) == 1


def test_a_removed_track_is_gone(catalogue: Catalogue) -> None:
    catalogue.put("a")
    catalogue.put("b")
    catalogue.snapshots.current()
    catalogue.snapshots.apply(catalogue.remove("a"))
    assert catalogue.held == {"b"}


def test_changes_out_of_order_and_repeated_lose_nothing(catalogue: Catalogue) -> None:
    catalogue.put("a")
    catalogue.snapshots.current()
    changes = [catalogue.put("b"), catalogue.put("c"), catalogue.remove("a")]
    for change in [*reversed(changes), *changes]:
        catalogue.snapshots.apply(change)
    assert catalogue.held == {"b", "c"}
    assert catalogue.snapshots.current().catalogue_version == changes[-1].catalogue_version


def test_a_change_of_a_track_that_is_gone_already_adds_nothing(catalogue: Catalogue) -> None:
    catalogue.put("a")
    catalogue.snapshots.current()
    change = catalogue.put("b")
    catalogue.remove("b")
    catalogue.snapshots.apply(change)
    assert catalogue.held == {"a"}


def test_changes_behind_its_back_are_seen_when_asked_for(catalogue: Catalogue) -> None:
    catalogue.put("a")
    catalogue.snapshots.current()
    catalogue.put("b")
    assert catalogue.held == {"a"}
    catalogue.snapshots.refresh()
    assert catalogue.held == {"a", "b"}


# --- another model ---


def moods_of(snapshot: Snapshot, *track_ids: str) -> list[int | None]:
    slots = [snapshot.index.slot_of(track_id) for track_id in track_ids]
    return [None if slot is None else snapshot.index.track_at(slot).mood for slot in slots]


def test_a_clip_that_another_model_judged_meets_the_moods_of_that_model_and_the_frames_that_are_held(
    catalogue: Catalogue,
) -> None:
    catalogue.put("a", mood=7)
    catalogue.put("b", mood=1, artist="Somebody")
    old = catalogue.snapshots.current()
    catalogue.learn("m2")
    catalogue.put("a", mood=3, model="m2")
    new = catalogue.snapshots.current("m2")
    assert (old.model_version, new.model_version) == (catalogue.model_version, "m2")
    assert (len(old.moods), len(new.moods)) == (MOODS, MOODS // 2)
    assert moods_of(old, "a", "b") == [7, 1]
    # The new model has not judged b.
    assert moods_of(new, "a", "b") == [3, None]
    assert len(new.infos["b"].probabilities) == 0
    assert new.index.groups == old.index.groups


def test_clips_of_both_models_are_served_while_classifiers_switch(catalogue: Catalogue) -> None:
    catalogue.put("a", mood=7)
    catalogue.learn("m2")
    catalogue.put("a", mood=3, model="m2")
    for _ in range(2):
        assert moods_of(catalogue.snapshots.current("m2"), "a") == [3]
        assert moods_of(catalogue.snapshots.current(catalogue.model_version), "a") == [7]
    # Songs that are asked for have the moods of the newer model.
    assert catalogue.snapshots.current().model_version == "m2"


def test_a_change_is_taken_up_by_the_moods_of_both_models(catalogue: Catalogue) -> None:
    catalogue.put("a", mood=7)
    catalogue.learn("m2")
    catalogue.put("a", mood=3, model="m2")
    catalogue.snapshots.current("m2")
    catalogue.put("b", mood=4, model="m2")
    catalogue.snapshots.apply(catalogue.put("b", mood=8))
    assert moods_of(catalogue.snapshots.current("m2"), "a", "b") == [3, 4]
    assert moods_of(catalogue.snapshots.current(catalogue.model_version), "a", "b") == [7, 8]


def test_a_model_that_the_catalogue_does_not_know_changes_nothing(catalogue: Catalogue) -> None:
    catalogue.put("a", mood=7)
    assert catalogue.snapshots.current("unknown") is catalogue.snapshots.current()


def views_of(seed: int) -> NDArray[np.float16]:
    return np.full(FEATURES.views_size, seed, np.float16)


def songs(of: CatalogueSnapshots, track_ids: Sequence[str]) -> dict[str, Song]:
    """What a shard knows of songs, wherever they are held."""
    return of.current().songs(track_ids) | of.songs_elsewhere(track_ids)


def test_songs_of_other_shards_are_looked_up_once_and_again_when_they_change(catalogue: Catalogue) -> None:
    ids = [f"t{number}" for number in range(8)]
    for number, track_id in enumerate(ids):
        catalogue.put(track_id, views=views_of(number))
    whole, part = catalogue.snapshots, catalogue.follow(Shard(1, 2))
    asked: list[str] = []
    event.listen(catalogue.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    def told(of: CatalogueSnapshots) -> dict[str, tuple[str, float]]:
        known = songs(of, [*ids, "gone"])
        return {track_id: (song.title, float(song.views[0])) for track_id, song in known.items()}

    wanted = {track_id: (f"title of {track_id}", float(number)) for number, track_id in enumerate(ids)}
    assert told(whole) == told(part) == wanted
    assert 0 < len(part.current().infos) < len(ids)
    asked.clear()
    assert told(whole) == told(part) == wanted
    assert asked == [], "what is held or remembered asks no database"

    elsewhere = next(track_id for track_id in ids if track_id not in part.current().infos)
    for of in (whole, part):
        of.apply(catalogue.put(elsewhere, views=views_of(50)))
    assert told(whole)[elsewhere] == told(part)[elsewhere] == (f"title of {elsewhere}", 50.0)
    gone = catalogue.remove(elsewhere)
    for of in (whole, part):
        of.apply(gone)
    del wanted[elsewhere]
    assert told(whole) == told(part) == wanted
    # One that nobody held before is there once it is added.
    added = catalogue.put("gone", views=views_of(60))
    for of in (whole, part):
        of.apply(added)
    assert told(whole) == told(part) == wanted | {"gone": ("title of gone", 60.0)}


def test_what_versions_are_told_by_is_the_same_wherever_a_song_is_held(catalogue: Catalogue) -> None:
    ids = [f"t{number}" for number in range(8)]
    for number, track_id in enumerate(ids):
        catalogue.put(track_id, seed=number, views=views_of(number), isrc=f"KR-A38-17-0000{number}")
    whole, part = (songs(one, ids) for one in (catalogue.snapshots, catalogue.follow(Shard(1, 2))))
    for track_id in ids:
        np.testing.assert_array_equal(whole[track_id].views, part[track_id].views)
        np.testing.assert_array_equal(whole[track_id].frames(), part[track_id].frames())
        assert whole[track_id].recordings == part[track_id].recordings != frozenset()


def test_frames_are_read_once_and_again_when_they_change(catalogue: Catalogue) -> None:
    catalogue.put("a", seed=1)
    catalogue.put("b", seed=2)
    frames = CatalogueFrames(CatalogueReader(catalogue.engine))
    asked: list[str] = []
    event.listen(catalogue.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    first = frames("a")
    assert first is not None
    assert first.shape == (50, FEATURES.n_mfcc)
    assert frames("gone") is None
    asked.clear()
    assert frames("a") is first
    assert frames("gone") is None
    assert asked == []
    frames.apply(catalogue.put("a", seed=3))
    frames.apply(catalogue.put("gone", seed=4))
    changed = frames("a")
    assert changed is not None
    assert not np.array_equal(changed, first)
    assert frames("gone") is not None


def test_only_so_many_frames_are_remembered_those_that_were_asked_for_last(catalogue: Catalogue) -> None:
    for track_id in "abc":
        catalogue.put(track_id)
    frames = CatalogueFrames(CatalogueReader(catalogue.engine), most_bytes=2 * 50 * FEATURES.n_mfcc * 2)
    a, b = frames("a"), frames("b")
    assert frames("a") is a
    frames("c")
    assert frames("a") is a
    assert frames("b") is not b
