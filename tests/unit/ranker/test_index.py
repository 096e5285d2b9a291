"""A snapshot never changes, and the next one holds what the changes say, however they are cut into pieces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ranker import reference
from tunekin.errors import InputError
from tunekin_ranker.dtw import Clip
from tunekin_ranker.index import NO_MOOD, Index, Track
from tunekin_ranker.lanes import ROOT_ERROR

D = 3


def track(track_id, *, seed=0, m=4, group=None, mood=None):
    frames = np.random.default_rng(seed).standard_normal((m, D)).astype(np.float16)
    return Track(track_id=track_id, frames=frames, group=group, mood=mood)


def contents(index):
    """What an index holds, by id."""
    found = [index.track_at(int(slot)) for slot in np.flatnonzero(index.alive)]
    return {one.track_id: (one.frames.tobytes(), one.group, one.mood) for one in found}


def expected(tracks):
    return {one.track_id: (one.frames.tobytes(), one.group, one.mood) for one in tracks}


def everywhere(index):
    return np.ones(index.slots, np.bool_)


def test_an_empty_index_holds_and_proposes_nothing():
    index = Index.build([])
    assert (len(index), index.slots, index.coefficients, index.slot_of("a")) == (0, 0, None, None)
    assert index.nearest_means(np.zeros(D), count=5, allowed=everywhere(index)).size == 0


def test_an_index_gives_back_what_it_was_built_of():
    tracks = [track("a", seed=1, group="x", mood=2), track("b", seed=2, m=1), track("c", seed=3, group="", mood=0)]
    index = Index.build(tracks)
    assert contents(index) == expected(tracks)
    assert index.moods.tolist() == [2, NO_MOOD, 0]
    assert index.groups == ("x", None, "")
    assert index.coefficients == D


changes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 99), max_size=5),
        st.sets(st.sampled_from("abcdefgh"), max_size=5),
    ),
    max_size=12,
)


@given(changes)
def test_changes_one_after_another_leave_the_same_tracks_as_a_dictionary(steps):
    index = Index.build([])
    held: dict[str, Track] = {}
    earlier: list[tuple[Index, dict[str, Track]]] = []
    for upserts, removals in steps:
        earlier.append((index, dict(held)))
        tracks = [track(name, seed=seed, m=1 + seed % 4, group=str(seed), mood=seed) for name, seed in upserts.items()]
        index = index.with_changes(upserts=tracks, removals=removals)
        held = {name: one for name, one in held.items() if name not in removals} | {one.track_id: one for one in tracks}
    for snapshot, wanted in [*earlier, (index, held)]:
        assert contents(snapshot) == expected(wanted.values())
        assert len(snapshot) == len(wanted)
        for name in "abcdefgh":
            slot = snapshot.slot_of(name)
            assert (slot is not None) == (name in wanted)
            assert slot is None or snapshot.track_at(slot).track_id == name


@given(changes, st.integers(1, 9), st.sets(st.sampled_from("abcdefgh")))
def test_proposals_are_the_allowed_tracks_of_nearest_mean(steps, count, allowed_names):
    index = Index.build([])
    for upserts, removals in steps:
        tracks = [track(name, seed=seed) for name, seed in upserts.items()]
        index = index.with_changes(upserts=tracks, removals=removals)
    query = np.array([0.5, -0.5, 0.0])
    allowed = np.array([index.track_at(slot).track_id in allowed_names for slot in range(index.slots)], np.bool_)
    away = {
        slot: float(((index.track_at(slot).frames.mean(axis=0, dtype=np.float64) - query) ** 2).sum())
        for slot in np.flatnonzero(allowed & index.alive).tolist()
    }
    found = index.nearest_means(query, count=count, allowed=allowed).tolist()
    assert len(found) == min(count, len(away))
    assert set(found) <= set(away)
    every = index.mean_distances(query)
    assert every.shape == (index.slots,)
    assert [every[slot] ** 2 for slot in away] == pytest.approx(list(away.values()), rel=1e-4, abs=1e-6)
    assert [away[slot] for slot in found] == pytest.approx(sorted(away.values())[:count], rel=1e-4, abs=1e-6)


def test_many_single_changes_leave_few_segments_and_no_gone_tracks_behind():
    index = Index.build([track(f"old-{i}", seed=i) for i in range(100)])
    for i in range(100):
        index = index.with_changes(upserts=[track(f"new-{i}", seed=i)], removals=[f"old-{i}"])
    assert len(index) == 100
    assert index.slots < 200
    assert len(index.parts) <= 8


def test_distances_and_floors_stand_beside_their_slots_across_segments():
    index = Index.build([track(f"{i}", seed=i, m=i + 1) for i in range(20)])
    index = index.with_changes(upserts=[track(f"{i}", seed=i, m=i + 1) for i in range(20, 25)])
    assert len(index.parts) > 1
    clip = Clip(np.random.default_rng(99).standard_normal((6, D)).astype(np.float16))
    slots = np.array([24, 0, 22, 7, 3])
    wanted = [reference.distance(clip.frames, index.track_at(slot).frames) for slot in slots]
    unlimited = np.full(slots.size, np.inf)
    assert index.exact_distances(clip, slots).tolist() == wanted
    assert index.alignment_floors(clip, slots, unlimited) == pytest.approx(wanted, rel=2 * ROOT_ERROR + 5e-5)
    assert index.sketch_floors(clip, slots, unlimited) == pytest.approx(wanted, rel=0.1)
    assert index.exact_distances(clip, np.array([7, 7])).tolist() == [wanted[3]] * 2


def test_an_id_given_twice_is_refused():
    with pytest.raises(InputError, match="'a' appears 2 times"):
        Index.build([track("a"), track("b"), track("a")])


def test_tracks_are_taken_up_one_by_one():
    taken = []

    def stream():
        for i in range(5):
            taken.append(i)
            yield track(f"{i}", m=i + 1)

    index = Index.build(stream())
    assert taken == [0, 1, 2, 3, 4]
    assert contents(index) == expected([track(f"{i}", m=i + 1) for i in range(5)])


def test_frames_of_another_kind_are_refused():
    with pytest.raises(InputError, match="shape"):
        Index.build([track("a")]).with_changes(upserts=[Track(track_id="b", frames=np.zeros((2, D + 1)))])


def test_views_of_two_feature_versions_do_not_meet() -> None:
    frames = np.ones((3, 2), np.float16)
    old, new = (Track(track_id=str(size), frames=frames, views=np.ones(size, np.float16)) for size in (3, 4))
    with pytest.raises(InputError, match="views of 3 and of 4 numbers"):
        Index.build([old, new])


def test_the_views_of_a_slot_are_those_of_its_track_whatever_changed() -> None:
    tracks = [
        Track(track_id=str(number), frames=np.ones((3, 2), np.float16), views=np.full(4, number, np.float16))
        for number in range(5)
    ]
    index = Index.build(tracks[:3]).with_changes(upserts=tracks[3:], removals=["1"])
    assert index.views.shape == (index.slots, 4)
    for slot in np.flatnonzero(index.alive):
        assert index.views[slot].tolist() == [float(index.track_at(int(slot)).track_id)] * 4
    assert Index().views.shape == (0, 0)
