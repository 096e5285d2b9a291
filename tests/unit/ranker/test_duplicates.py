"""Tracks of a catalogue that are one recording."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.ranker.test_rank import walk
from tunekin.features import FEATURES
from tunekin_ranker.duplicates import NEAR, alike_in_sound, groups, near_pairs
from tunekin_ranker.kin import apart


def views_of(count: int) -> NDArray[np.float16]:
    """Views of so many tracks, some of them close to each other."""
    chance = np.random.default_rng(3)
    views = chance.normal(0, 1, (count, FEATURES.views_size))
    views[count // 2 :] = views[: count - count // 2] + chance.normal(0, 0.2, (count - count // 2, FEATURES.views_size))
    views[:, -len(FEATURES.views) :] = 3.0
    return views.astype(np.float16)


def slowly(views: NDArray[np.float16]) -> set[tuple[int, int]]:
    """All near pairs, by comparing each with each."""
    return {
        (one, other)
        for one in range(len(views))
        for other in range(one + 1, len(views))
        if np.mean([away[0] for away in apart(views[one], views[other : other + 1]).values()]) <= NEAR
    }


def test_near_pairs_are_those_that_comparing_each_with_each_finds() -> None:
    views = views_of(41)
    pairs = list(near_pairs(views))
    assert len(pairs) == len(set(pairs)) >= 20
    assert set(pairs) == slowly(views)


@pytest.mark.parametrize("of", [set(), {0}, {40, 3, 20, 23}, set(range(41))])
def test_pairs_of_some_tracks_are_those_that_one_of_them_is_in(of: set[int]) -> None:
    views = views_of(41)
    pairs = list(near_pairs(views, of=of))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {pair for pair in slowly(views) if not of.isdisjoint(pair)}


SONG = walk(1, 320)
FRAMES: Mapping[str, NDArray[np.floating[Any]]] = {
    "song": SONG,
    "again": (SONG + np.random.default_rng(0).normal(0, 0.05, SONG.shape)).astype(np.float16),
    "mix": np.concatenate([walk(5, 400), SONG]),
    "other": walk(2, 320),
}


def test_one_recording_in_two_encodings_is_found_and_a_song_in_a_mix_is_not() -> None:
    pairs = [("again", "song"), ("mix", "song"), ("other", "song")]
    kept = alike_in_sound(
        pairs, length_s=lambda name: len(FRAMES[name]) * FEATURES.frame_s, frames=lambda name: FRAMES[name]
    )
    assert list(kept) == [("again", "song")]


def test_who_is_alike_to_one_of_a_group_belongs_to_it() -> None:
    assert groups([]) == []
    assert groups([("c", "d"), ("a", "b"), ("b", "c"), ("a", "d"), ("x", "y")]) == [["a", "b", "c", "d"], ["x", "y"]]
