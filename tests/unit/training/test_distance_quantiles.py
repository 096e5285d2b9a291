"""The quantiles of similarity are what they say of the music that they were measured on."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.ranker import reference
from tunekin.errors import InputError
from tunekin_training.distance_quantiles import quantiles, stranger_distances

D = 3


def music(seed: int, *, count: int = 6, m: int = 40) -> list[NDArray[np.float16]]:
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(D) * 2 + rng.standard_normal((m, D))).astype(np.float16) for _ in range(count)]


def test_only_pairs_of_two_known_artists_count_and_their_distances_are_exact() -> None:
    tracks = music(0)
    clips = [track[5:15] for track in tracks]
    artists = ["a", "b", "a", None, "c", "b"]
    wanted = [
        reference.distance(clips[i], tracks[j])
        for i, j in itertools.product(range(6), repeat=2)
        if artists[i] and artists[j] and artists[i] != artists[j]
    ]
    assert stranger_distances(clips, tracks, clip_artists=artists, track_artists=artists).tolist() == wanted


@given(st.lists(st.floats(0.001, 100), min_size=1))
def test_quantiles_rise_in_both_columns_and_end_with_every_pair(distances: list[float]) -> None:
    table = quantiles(np.array(distances))
    assert all(a < b for a, b in itertools.pairwise(share for share, _ in table))
    assert all(a < b for a, b in itertools.pairwise(distance for _, distance in table))
    assert table[-1] == (1.0, round(max(distances), 4))


@pytest.mark.parametrize(
    ("clip_artists", "message"),
    [(["a"] * 6, "no clip has a track by another known artist"), (["a"], "6 clips by 1")],
)
def test_music_that_tells_nothing_is_refused(clip_artists: list[str | None], message: str) -> None:
    tracks = music(1)
    with pytest.raises(InputError, match=message):
        stranger_distances(tracks, tracks, clip_artists=clip_artists, track_artists=["a"] * 6)
