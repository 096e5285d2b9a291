"""Floors that are kept spare work and change no answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ranker.test_search import catalogue, frames
from tunekin_ranker.dtw import Clip
from tunekin_ranker.floors import KeptFloors
from tunekin_ranker.index import Index
from tunekin_ranker.search import Scoring, search

INDEX = Index.build(catalogue(3))
OTHER = INDEX.with_changes(upserts=catalogue(4, count=40), removals=["t100"])
CLIPS = [Clip(frames(np.random.default_rng(seed), 12)) for seed in (1, 2)]
EVERYTHING = np.arange(INDEX.slots)


@pytest.fixture
def computed(monkeypatch):
    """How many floors each call computes."""
    counts = []
    sketch_floors = Index.sketch_floors

    def counted(index, clip, slots, cutoffs, *, crew=None):
        counts.append(slots.size)
        return sketch_floors(index, clip, slots, cutoffs, crew=crew)

    monkeypatch.setattr(Index, "sketch_floors", counted)
    return counts


def scoring(index, seed):
    chance = np.random.default_rng(seed)
    return Scoring(offsets=chance.normal(size=index.slots), slopes=chance.gamma(2.0, size=index.slots))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([INDEX, OTHER]),
            st.sampled_from(CLIPS),
            st.none() | st.integers(0, 9),
            st.integers(1, 20),
            st.sets(st.integers(0, 119).map("t{:03}".format), max_size=30),
            st.sampled_from([None, 0.0, 0.7, 2.0]),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_searches_that_share_floors_find_what_each_finds_alone(asked):
    kept = KeptFloors()
    for index, clip, seed, k, exclude, identity_distance in asked:
        options = {
            "k": k,
            "exclude": exclude,
            "identity_distance": identity_distance,
            "scoring": None if seed is None else scoring(index, seed),
        }
        shared, alone = search(index, clip, kept=kept, **options), search(index, clip, **options)
        assert (shared.hits, shared.identical, shared.proven) == (alone.hits, alone.identical, alone.proven)


def test_what_is_asked_again_is_not_computed_again(computed):
    kept = KeptFloors()
    first = search(INDEX, CLIPS[0], k=3, kept=kept)
    second = search(INDEX, CLIPS[0], k=3, kept=kept, exclude=[hit.track_id for hit in first.hits])
    assert first.hits != second.hits
    assert sum(computed[1:]) < computed[0] / 2
    search(OTHER, CLIPS[0], k=3, kept=kept)
    search(OTHER, CLIPS[1], k=3, kept=kept)
    assert computed[-2:] == [np.count_nonzero(OTHER.alive) - 32] * 2


def test_a_floor_that_was_not_close_is_computed_again_where_it_might_matter(computed):
    kept = KeptFloors()
    exact = INDEX.exact_distances(CLIPS[0], EVERYTHING)
    for cutoff in (0.0, float(np.median(exact)), np.inf):
        floors = kept.of(INDEX, CLIPS[0], EVERYTHING, np.full(INDEX.slots, cutoff))
        assert (floors <= exact).all()
        close = INDEX.sketch_floors(CLIPS[0], EVERYTHING, np.full(INDEX.slots, np.inf))
        assert ((floors > cutoff) | (floors == close)).all()
    assert computed[0] == INDEX.slots
    assert kept.of(INDEX, CLIPS[0], EVERYTHING, np.full(INDEX.slots, np.inf)).tolist() == close.tolist()
