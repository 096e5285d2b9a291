"""A way from song to song."""

import numpy as np
import pytest

from tunekin.features import FEATURES
from tunekin_web.subsonic.path import Path


def on_a_line(places: list[float], *, aside: float = 0.0) -> np.ndarray:
    """Songs along one line of all views, those of odd number some way off it."""
    views = np.zeros((len(places), FEATURES.views_size))
    views[:, -len(FEATURES.views) :] = 1.0
    start = 0
    for _, length in FEATURES.views:
        views[:, start] = places
        views[1::2, start + 1] = aside
        start += length
    return views


def test_a_way_goes_from_end_to_end_by_songs_in_between():
    views = on_a_line([0.0, 9.0, 3.0, 5.2, 1.1, 10.0, 7.4, 2.6])
    path = Path(views, start=0, end=5)
    assert path.songs(5) == [0, 7, 3, 6, 5]
    assert path.songs(2) == [0, 5]
    assert path.songs(100) == [0, 4, 7, 2, 3, 6, 1, 5]


def test_a_song_aside_of_the_way_waits_for_one_that_is_on_it():
    views = on_a_line([0.0, 5.0, 4.6, 10.0], aside=8.0)
    views[3, 1] = 0.0
    assert Path(views, start=0, end=3).songs(3) == [0, 2, 3]


def test_the_way_from_a_song_to_itself_is_that_song():
    assert Path(on_a_line([0.0, 1.0]), start=1, end=1).songs(25) == [1]


def test_alike_is_what_is_near_the_start():
    path = Path(on_a_line([0.0, 0.5, 1.0, 2.0]), start=0, end=3)
    alike = [path.similarity(song) for song in path.songs(4)]
    assert alike == sorted(alike, reverse=True)
    assert alike[0] == 1.0


def test_the_same_songs_in_another_order_are_the_same_way():
    random = np.random.default_rng(5)
    views = np.abs(random.standard_normal((40, FEATURES.views_size)))
    order = random.permutation(40)
    place = np.argsort(order)
    way = Path(views, start=3, end=17).songs(9)
    other = Path(views[order], start=int(place[3]), end=int(place[17])).songs(9)
    assert [int(order[song]) for song in other] == way


@pytest.mark.parametrize("count", range(2, 12))
def test_no_song_comes_twice(count):
    views = np.abs(np.random.default_rng(count).standard_normal((8, FEATURES.views_size)))
    way = Path(views, start=1, end=6).songs(count)
    assert len(way) == len(set(way)) == min(count, 8)
    assert (way[0], way[-1]) == (1, 6)
