"""Filters, as people and headers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.errors import OptionError
from tunekin.filters import read_filters, read_tags, write_filters
from tunekin.messages import Filters

ENDS = st.integers(0, 99_999).map(lambda number: number / 8)
BOUNDS = st.one_of(
    st.none(),
    st.tuples(ENDS, ENDS).map(lambda pair: (min(pair), max(pair))),
    ENDS.map(lambda low: (low, None)),
    ENDS.map(lambda high: (None, high)),
)
TAGS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters=";,\0"), max_size=20), max_size=4)


@given(st.lists(st.integers(0, 999), max_size=4), BOUNDS, BOUNDS, TAGS)
def test_what_is_written_reads_the_same(moods, tempo, years, tags) -> None:
    filters = Filters(moods=tuple(moods), tempo_bpm=tempo, years=years, tags=read_tags(",".join(tags)))
    assert read_filters(write_filters(filters)) == filters


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("90-120", (90, 120)),
        (" 90 - 120.5 ", (90, 120.5)),
        ("90-", (90, None)),
        ("-120", (None, 120)),
        ("120", (120, 120)),
        ("", None),
    ],
)
def test_a_range_may_be_open_at_either_end(text: str, bounds) -> None:
    assert read_filters({"tempo": text}).tempo_bpm == bounds


@pytest.mark.parametrize("text", ["-", "90-120-150", "--90", "fast", "1e3", "90 120", "٣"])
def test_what_is_no_range_is_refused_under_the_name_that_it_came_with(text: str) -> None:
    with pytest.raises(OptionError, match="--years is") as caught:
        read_filters({"years": text}, prefix="--")
    assert "1990-1999" in caught.value.hint


def test_nothing_given_filters_nothing() -> None:
    assert read_filters({}) == Filters()
    assert write_filters(Filters()) == {}
