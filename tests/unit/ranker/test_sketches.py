"""Sketches lie no further apart than their frames, whatever rounding to bytes and to float32 does to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.ranker import reference
from tunekin_ranker.dtw import Clip, alignment_floors, exact_distances
from tunekin_ranker.packed import pack
from tunekin_ranker.sketches import sketch, sketch_floors

LARGEST = 65_504.0
D = 3
any_half = st.floats(-LARGEST, LARGEST, width=16)
# From what float16 hardly holds to numbers that differ a thousandfold within one track.
scales = st.sampled_from([6e-8, 1e-3, 1.0, 9_000.0])


def sketched(tracks, *, d=D):
    packed = pack(tracks, coefficients=d)
    return packed, sketch(packed, means=np.array([track.mean(axis=0, dtype=np.float64) for track in tracks]))


def floors(clip, sketches, count, cutoff=np.inf):
    return sketch_floors(Clip(clip), sketches, np.arange(count), np.full(count, cutoff))


def halves(lengths, *, d=D):
    return lengths.flatmap(lambda m: hnp.arrays(np.float16, (m, d), elements=any_half))


@settings(max_examples=300)
@given(
    tracks=st.lists(halves(st.integers(1, 9)), min_size=1, max_size=4),
    clip=halves(st.integers(1, 17)),
    from_track=st.booleans(),
    cutoff=st.floats(0, 1e5),
)
def test_floors_never_exceed_the_exact_distance(tracks, clip, from_track, cutoff):
    if from_track:
        clip = np.nextafter(tracks[0], np.float16(0))
    _, sketches = sketched(tracks)
    wanted = [reference.distance(clip, track) for track in tracks]
    assert (floors(clip, sketches, len(tracks)) <= wanted).all()
    assert (floors(clip, sketches, len(tracks), cutoff) <= wanted).all()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), scale=scales, clip_scale=scales, constant=st.booleans())
def test_floors_hold_at_every_scale(seed, scale, clip_scale, constant):
    rng = np.random.default_rng(seed)
    tracks = [
        (rng.standard_normal((int(rng.integers(1, 40)), 20)) * scale * rng.choice([1e-3, 1.0, 1.5], 20)).astype(
            np.float16
        )
        for _ in range(40)
    ]
    if constant:
        tracks = [np.broadcast_to(track[:1], track.shape) for track in tracks]
    clip = Clip((rng.standard_normal((9, 20)) * clip_scale).astype(np.float16))
    packed, sketches = sketched(tracks, d=20)
    found = sketch_floors(clip, sketches, np.arange(40), np.full(40, np.inf))
    assert (found <= exact_distances(clip, packed, np.arange(40))).all()


@pytest.mark.parametrize("d", [1, 2, 9, 10, 24])
def test_any_number_of_coefficients_has_sketches(d):
    rng = np.random.default_rng(d)
    tracks = [rng.standard_normal((30, d)).astype(np.float16) for _ in range(5)]
    clip = rng.standard_normal((6, d)).astype(np.float16)
    _, sketches = sketched(tracks, d=d)
    found = floors(clip, sketches, 5)
    wanted = np.array([reference.distance(clip, track) for track in tracks])
    assert (found <= wanted).all()
    assert (found >= 0.4 * wanted).all()


def test_sketches_that_hold_everything_lose_little():
    rng = np.random.default_rng(1)
    tracks = [rng.standard_normal((50, 5)).astype(np.float16) for _ in range(20)]
    clip = rng.standard_normal((12, 5)).astype(np.float16)
    packed, sketches = sketched(tracks, d=5)
    wanted = alignment_floors(Clip(clip), packed, np.arange(20))
    assert floors(clip, sketches, 20) == pytest.approx(wanted, rel=0.05)


def test_tracks_of_all_lengths_keep_their_places():
    rng = np.random.default_rng(2)
    tracks = [(rng.standard_normal((m, D)) + i).astype(np.float16) for i, m in enumerate([1, 300, 2, 64, 65, 17] * 7)]
    packed, sketches = sketched(tracks)
    assert sorted(sketches.members[sketches.members >= 0]) == list(range(len(tracks)))
    clip = rng.standard_normal((20, D)).astype(np.float16)
    rows = np.array([40, 3, 17, 0])
    found = sketch_floors(Clip(clip), sketches, rows, np.full(4, np.inf))
    wanted = exact_distances(Clip(clip), packed, rows)
    assert (found <= wanted).all()
    assert found == pytest.approx(wanted, rel=0.2)


def test_a_floor_that_passes_the_cutoff_stays_above_it_or_is_complete():
    rng = np.random.default_rng(3)
    tracks = [(rng.standard_normal((40, D)) + rng.uniform(0, 9)).astype(np.float16) for _ in range(100)]
    _, sketches = sketched(tracks)
    clip = rng.standard_normal((70, D)).astype(np.float16)
    complete = floors(clip, sketches, 100)
    cutoff = float(np.quantile(complete, 0.2))
    cut = floors(clip, sketches, 100, cutoff)
    kept = complete <= cutoff
    assert (cut[kept] == complete[kept]).all()
    assert (cut[~kept] > cutoff).all()
    assert (cut <= complete).all()
    # Near tracks lie in one block, so that whole blocks end early.
    assert (cut < complete).sum() >= 40


def test_the_same_tracks_have_the_same_sketches():
    rng = np.random.default_rng(4)
    tracks = [rng.standard_normal((40, D)).astype(np.float16) for _ in range(50)]
    one, other = sketched(tracks)[1], sketched(tracks)[1]
    assert one.codes.tobytes() == other.codes.tobytes()
    assert one.members.tolist() == other.members.tolist()
