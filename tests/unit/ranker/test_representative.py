"""The representative window is the one that a search through all windows finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tunekin.errors import InputError, OptionError
from tunekin_ranker.representative import representative_span


@given(
    hnp.arrays(np.int8, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-2, 2)),
    st.integers(1, 12),
)
def test_the_earliest_window_of_nearest_mean_is_taken(numbers, length):
    frames = numbers.astype(np.float16)
    length = min(length, len(frames))
    mean = frames.astype(np.float64).sum(axis=0) / len(frames)
    away = [
        float(((frames[start : start + length].astype(np.float64).sum(axis=0) / length - mean) ** 2).sum())
        for start in range(len(frames) - length + 1)
    ]
    start = away.index(min(away))
    assert representative_span(frames, length=length) == (start, start + length)


def test_of_equal_windows_the_first_is_taken_though_their_numbers_are_no_round_ones():
    assert representative_span(np.full((5_000, 3), 0.1, np.float16), length=161) == (0, 161)


@pytest.mark.parametrize("length", [4, 5, 100])
def test_a_sequence_no_longer_than_the_window_stands_for_itself(length):
    assert representative_span(np.ones((4, 2)), length=length) == (0, 4)


def test_a_window_without_frames_is_refused():
    with pytest.raises(OptionError, match="length is 0"):
        representative_span(np.ones((4, 2)), length=0)


def test_a_sequence_without_frames_is_refused():
    with pytest.raises(InputError, match="no frames"):
        representative_span(np.ones((0, 2)), length=3)
