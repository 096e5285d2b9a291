"""Filters over a snapshot, against a plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tunekin.messages import Bounds, Filters
from tunekin_ranker.filter import passing
from tunekin_ranker.index import Index, Track

YEARS = st.none() | st.integers(1990, 1995)
TEMPI = st.none() | st.sampled_from([80.0, 96.5, 120.0])
MOODS = st.none() | st.integers(0, 2)
TAGS = st.sets(st.sampled_from(["jazz", "rock", "hip hop"])).map(lambda tags: tuple(sorted(tags)))
FACTS = st.lists(st.tuples(YEARS, TEMPI, MOODS, TAGS), min_size=1, max_size=12)
YEAR_BOUNDS = st.sampled_from([None, (1991.0, 1993.0), (None, 1990.0), (1995.0, None)])
TEMPO_BOUNDS = st.sampled_from([None, (90.0, 120.0), (None, 80.0), (120.5, None)])
WANTED = st.builds(
    Filters,
    moods=st.sampled_from([(), (0,), (1, 2)]),
    tempo_bpm=TEMPO_BOUNDS,
    years=YEAR_BOUNDS,
    tags=st.sampled_from([(), ("JAZZ",), ("rock", "Hip  Hop"), ("polka",)]),
)


def track(number: int, facts: tuple[int | None, float | None, int | None, tuple[str, ...]]) -> Track:
    year, tempo, mood, tags = facts
    frames = np.random.default_rng(number).standard_normal((8, 20)).astype(np.float16)
    return Track(track_id=f"t{number:02}", frames=frames, year=year, tempo_bpm=tempo, mood=mood, tags=tags)


def within(value: float | None, bounds: Bounds | None) -> bool:
    if bounds is None:
        return True
    low, high = bounds
    return value is not None and (low is None or low <= value) and (high is None or value <= high)


def passes(one: Track, wanted: Filters) -> bool:
    return (
        (not wanted.moods or one.mood in wanted.moods)
        and within(one.tempo_bpm, wanted.tempo_bpm)
        and within(one.year, wanted.years)
        and (not wanted.tags or bool({" ".join(tag.casefold().split()) for tag in wanted.tags} & set(one.tags)))
    )


@given(FACTS, FACTS, WANTED)
def test_a_track_passes_if_it_passes_every_filter_that_is_set(first, later, wanted: Filters) -> None:
    # The second lot replaces some of the first, so that segments with tracks that are gone take part.
    index = Index.build(track(number, facts) for number, facts in enumerate(first))
    index = index.with_changes(upserts=[track(number, facts) for number, facts in enumerate(later, start=6)])
    marks = passing(index, wanted)
    held = [index.track_at(slot) for slot in np.flatnonzero(index.alive).tolist()]
    expected = {one.track_id for one in held if passes(one, wanted)}
    shown = index.alive if marks is None else index.alive & marks
    assert {index.track_at(slot).track_id for slot in np.flatnonzero(shown).tolist()} == expected


def test_no_filter_is_no_mask() -> None:
    index = Index.build([track(0, (1990, 80.0, 0, ()))])
    assert passing(index, Filters()) is None
    assert passing(index, Filters(), moods=(1,)).tolist() == [False]
