"""The constants of similarity and identity are what they say of the music that they were measured on."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ranker import reference
from tunekin.errors import InputError
from tunekin_training.distance_constants import distance_matrix, identity_distance, measure, quantiles

D = 3


def music(seed, *, count=30, m=40):
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(D) * 2 + rng.standard_normal((m, D))).astype(np.float16) for _ in range(count)]


def test_distances_are_exact():
    tracks = music(0, count=4)
    clips = [track[5:15] for track in tracks[:2]]
    wanted = [[reference.distance(clip, track) for track in tracks] for clip in clips]
    assert distance_matrix(clips, tracks).tolist() == wanted


@given(st.lists(st.floats(0.001, 100) | st.integers(10, 50).map(lambda i: i / 1e4), min_size=1), st.floats(0.001, 0.5))
def test_no_more_clips_than_agreed_lie_within_the_identity_distance(nearest, false_share):
    values = np.array(nearest)
    threshold = identity_distance(values, false_share=false_share)
    assert (values <= threshold).mean() <= false_share
    # The next step up would let in too many.
    assert (values <= threshold + 2e-4).mean() > false_share


@given(st.lists(st.floats(0.001, 100), min_size=1))
def test_quantiles_rise_in_both_columns(distances):
    table = quantiles(np.array(distances))
    assert all(a < b for a, b in itertools.pairwise(share for share, _ in table))
    assert all(a < b for a, b in itertools.pairwise(distance for _, distance in table))
    assert table[-1] == (1.0, round(max(distances), 4))


def test_own_cuts_are_recognised_and_noise_hides_them():
    tracks = music(1)
    rng = np.random.default_rng(1)
    cuts = [track[10:26] for track in tracks]
    buried = [(cut + rng.standard_normal(cut.shape) * 9).astype(np.float16) for cut in cuts]
    artists = [f"artist {i}" for i in range(30)]
    found = measure(tracks, artists, {"clean": cuts, "buried": buried}, track_of=range(30))
    assert found.recognised == {"clean": 1.0, "buried": 0.0}
    assert found.pairs == 30 * 29
    assert found.false_share <= 1 / 200
    assert found.identity_distance < found.quantiles[0][1]


def test_tracks_of_the_same_artist_and_of_nobody_known_do_not_count():
    tracks = music(2, count=6)
    # A copy by the same artist, and one by nobody known, are no strangers.
    tracks += [tracks[0], tracks[1]]
    artists = ["a", "b", "c", "d", "e", None, "a", None]
    cuts = [track[10:26] for track in tracks]
    found = measure(tracks, artists, {"clean": cuts}, track_of=range(8))
    known = [0, 1, 2, 3, 4, 6]
    pairs = [(i, j) for i in known for j in known if artists[i] != artists[j]]
    nearest = min(reference.distance(cuts[i], tracks[j]) for i, j in pairs)
    assert found.pairs == len(pairs)
    assert 0 < nearest - 2e-4 < found.identity_distance < nearest


@pytest.mark.parametrize(
    ("artists", "track_of", "message"),
    [
        (["a", "b"], [0], "2 clips 'clean' of 1 tracks"),
        (["a"], [0, 1], "1 artists of 2 tracks"),
        (["a", "a"], [0, 1], "no clip has a track by another known artist"),
        (["a", None], [0, 1], "no clip has a track by another known artist"),
    ],
)
def test_what_does_not_fit_together_is_refused(artists, track_of, message):
    tracks = music(3, count=2)
    with pytest.raises(InputError, match=message):
        measure(tracks, artists, {"clean": [track[:5] for track in tracks]}, track_of=track_of)
