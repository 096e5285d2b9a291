"""Floors never exceed, and exact distances equal, what plain loops in float64 give."""

import math

import dtaidistance.dtw_ndim
import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.ranker import reference
from tunekin.errors import InputError
from tunekin_ranker.dtw import Clip, align, alignment_floors, exact_distances, locate
from tunekin_ranker.kernels import TILE_LANES
from tunekin_ranker.lanes import ROOT_ERROR
from tunekin_ranker.packed import pack

LARGEST = 65_504.0
# One number of coefficients for most tests, since each is compiled by itself.
D = 3


def frames(rng, m, *, d=D, scale=1.0):
    return (rng.standard_normal((m, d)) * scale).astype(np.float16)


def halves(*, numbers, lengths, d=D):
    """Frames of float16 numbers."""
    return lengths.flatmap(lambda m: hnp.arrays(np.float16, (m, d), elements=numbers))


few = st.integers(1, 9)
any_half = st.floats(-LARGEST, LARGEST, width=16)
# So few numbers that costs and whole paths are often equal.
tying = st.integers(-2, 2).map(float)


def all_rows(tracks):
    return np.arange(len(tracks))


@given(clip=halves(numbers=any_half, lengths=few), track=halves(numbers=any_half, lengths=few))
def test_exact_distances_equal_the_double_loop_bit_for_bit(clip, track):
    [found] = exact_distances(Clip(clip), pack([track], coefficients=D), np.array([0]))
    assert found == reference.distance(clip, track)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 64, TILE_LANES, TILE_LANES + 1, 2 * TILE_LANES + 5])
@pytest.mark.parametrize("m", [1, 2, 16, 50, 130])
def test_tiles_of_every_fill_agree_with_the_double_loop(n, m):
    rng = np.random.default_rng(n * 1_000 + m)
    clip, track = frames(rng, n), frames(rng, m)
    ready, tracks = Clip(clip), pack([track], coefficients=D)
    wanted = reference.distance(clip, track)
    assert exact_distances(ready, tracks, np.array([0])) == wanted
    assert alignment_floors(ready, tracks, np.array([0])) == pytest.approx(wanted, rel=2 * ROOT_ERROR + 5e-5)
    found = align(ready, track)
    assert (found.distance, (found.start, found.stop)) == (wanted, reference.span(clip, track))


def test_tracks_of_different_lengths_do_not_disturb_each_other():
    rng = np.random.default_rng(1)
    clip = frames(rng, 20, d=20)
    tracks = [frames(rng, m, d=20) for m in (300, 1, 7, 64, 65, 2)]
    packed = pack(tracks, coefficients=20)
    rows = np.array([4, 0, 5, 1, 1])
    wanted = [reference.distance(clip, tracks[row]) for row in rows]
    assert exact_distances(Clip(clip), packed, rows).tolist() == wanted


@settings(max_examples=500)
@given(clip=halves(numbers=tying, lengths=few, d=1), track=halves(numbers=tying, lengths=st.integers(1, 12), d=1))
def test_of_equal_paths_the_span_follows_the_tie_rule(clip, track):
    # In one coefficient costs are whole numbers.
    clip, track = (np.pad(frames, ((0, 0), (0, D - 1))) for frames in (clip, track))
    found = align(Clip(clip), track)
    assert (found.start, found.stop) == reference.span(clip, track)
    assert found.distance == reference.distance(clip, track)


@settings(max_examples=300)
@given(
    clip=halves(numbers=any_half, lengths=few),
    track=halves(numbers=any_half, lengths=few),
    near=st.booleans(),
    cutoff=st.floats(0, 1e5),
)
def test_floors_never_exceed_the_exact_distance(clip, track, near, cutoff):
    if near:
        # Frames that nearly coincide at great norms are where a difference of squares would lose every digit.
        track = np.nextafter(clip, np.float16(0))
    ready, tracks = Clip(clip), pack([track], coefficients=D)
    wanted = reference.distance(clip, track)
    assert alignment_floors(ready, tracks, np.array([0]), np.array([cutoff])) <= wanted
    [floor] = alignment_floors(ready, tracks, np.array([0]))
    assert floor <= wanted
    # A cost may lose what rounding can do to the square of the greatest norm, and is close where it is greater.
    lost = 2e-6 * (np.square(clip.astype(float)).sum(axis=1).max() + np.square(track.astype(float)).sum(axis=1).max())
    cells = len(clip) + len(track)
    assert floor >= wanted * (1 - 1e-5) - cells / len(clip) * math.sqrt(lost) - 1e-15


@given(
    clip=few.flatmap(lambda n: hnp.arrays(np.float64, (n, D), elements=st.floats(-LARGEST, LARGEST))),
    track=halves(numbers=any_half, lengths=few),
)
def test_floors_hold_for_clips_that_float32_must_round(clip, track):
    ready, tracks = Clip(clip), pack([track], coefficients=D)
    wanted = reference.distance(clip, track)
    assert exact_distances(ready, tracks, np.array([0])) == wanted
    assert alignment_floors(ready, tracks, np.array([0])) <= wanted


def test_a_floor_that_passes_the_cutoff_stays_above_it_or_is_complete():
    rng = np.random.default_rng(2)
    # The first 16 tracks have all passed after a few frames of the clip, and go no further.
    away = [5.0] * 16 + list(rng.uniform(0, 3, 34))
    tracks = pack([frames(rng, 40) + np.float16(shift) for shift in away], coefficients=D)
    clip = Clip(frames(rng, 70))
    complete = alignment_floors(clip, tracks, all_rows(tracks))
    cutoff = float(np.median(complete))
    cut = alignment_floors(clip, tracks, all_rows(tracks), np.full(len(tracks), cutoff))
    kept = complete <= cutoff
    assert kept.any()
    assert not kept.all()
    assert (cut[kept] == complete[kept]).all()
    assert (cut[~kept] > cutoff).all()
    assert (cut <= complete).all()
    assert (cut[:16] < complete[:16]).all()


def test_each_track_has_its_own_cutoff():
    rng = np.random.default_rng(5)
    tracks = pack([frames(rng, 40) for _ in range(20)], coefficients=D)
    clip = Clip(frames(rng, 30))
    complete = alignment_floors(clip, tracks, all_rows(tracks))
    cutoffs = np.where(np.arange(20) % 2, math.inf, 0.1)
    cut = alignment_floors(clip, tracks, all_rows(tracks), cutoffs)
    assert (cut[1::2] == complete[1::2]).all()
    assert (cut > 0.1).all()


def test_a_long_path_keeps_its_floor_below_the_distance_and_close_to_it():
    # 3,000 frames nearer to the clip than float32 resolves beside their sum: the longest sums lose the most.
    rng = np.random.default_rng(3)
    track = frames(rng, 3_000)
    clip = (track[500:2_500].astype(np.float64) + 0.1).astype(np.float16)
    ready, tracks = Clip(clip), pack([track], coefficients=D)
    [wanted] = exact_distances(ready, tracks, np.array([0]))
    [floor] = alignment_floors(ready, tracks, np.array([0]))
    assert 0.999 * wanted < floor <= wanted


@pytest.mark.parametrize("value", [0.0, 6e-8, -1.5, LARGEST])
def test_a_constant_clip_has_distance_zero_in_a_track_that_holds_its_frame(value):
    clip = np.full((70, D), value, np.float16)
    track = np.concatenate([np.full((3, D), 7.0), clip[:1], np.full((3, D), 7.0)]).astype(np.float16)
    ready, tracks = Clip(clip), pack([track], coefficients=D)
    assert exact_distances(ready, tracks, np.array([0])) == 0
    assert alignment_floors(ready, tracks, np.array([0])) == 0
    assert align(ready, track).start == 3
    assert align(ready, track).stop == 4


def test_a_cut_is_found_where_it_was_cut():
    rng = np.random.default_rng(4)
    track = frames(rng, 400, d=20)
    found = align(Clip(track[123:187]), track)
    assert (found.distance, found.start, found.stop) == (0.0, 123, 187)


def test_a_cut_that_begins_in_a_held_sound_is_located_where_it_was_cut():
    rng = np.random.default_rng(5)
    track = frames(rng, 400, d=20)
    track[118:140] = track[118] + 0.1 * frames(rng, 22, d=20)
    # The microphone makes its first frames most like one in the middle of the sound.
    heard = track[123:187].copy()
    heard[:10] = track[132]
    assert align(Clip(heard), track).start > 127
    found = locate(Clip(heard), track)
    assert (found.start, found.stop) == (123, 187)
    assert found.distance == align(Clip(heard), track).distance


def test_a_cut_that_is_played_faster_is_located_where_it_was_cut():
    rng = np.random.default_rng(6)
    track = frames(rng, 400, d=20)
    faster = track[100:180][np.arange(80) % 16 != 0]
    found = locate(Clip(faster), track)
    assert found.start == pytest.approx(100, abs=2)
    assert found.stop == pytest.approx(180, abs=3)


@given(clip=halves(numbers=any_half, lengths=few), track=halves(numbers=any_half, lengths=few))
def test_a_clip_is_located_within_the_track(clip, track):
    found = locate(Clip(clip), track)
    assert 0 <= found.start < found.stop <= len(track)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (7, 7), (12, 40), (64, 320)])
def test_distance_and_span_agree_with_librosa(n, m):
    rng = np.random.default_rng(n + m)
    clip, track = frames(rng, n, d=20), frames(rng, m, d=20)
    total, path = librosa.sequence.dtw(
        clip.T.astype(np.float64), track.T.astype(np.float64), metric="euclidean", subseq=True
    )
    found = align(Clip(clip), track)
    assert found.distance == pytest.approx(total[-1].min() / n, rel=1e-12)
    assert (found.start, found.stop) == (path[-1][1], path[0][1] + 1)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (9, 1), (7, 7), (40, 12), (12, 40)])
def test_distance_agrees_with_warping_paths_of_dtaidistance(n, m):
    rng = np.random.default_rng(n + m)
    clip, track = frames(rng, n), frames(rng, m)
    wanted, _ = dtaidistance.dtw_ndim.warping_paths(
        clip.astype(np.float64), track.astype(np.float64), psi=[0, 0, m, m], inner_dist="euclidean"
    )
    assert align(Clip(clip), track).distance == pytest.approx(wanted / n, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 65_536.0])
def test_frames_that_float16_cannot_hold_are_refused(wrong):
    bad = np.zeros((4, D))
    bad[2, 1] = wrong
    with pytest.raises(InputError, match="finite"):
        Clip(bad)
    with pytest.raises(InputError, match="finite"):
        pack([bad], coefficients=D)


@pytest.mark.parametrize("shape", [(0, D), (D,), (2, 0), (1, 2, D)])
def test_frames_that_are_no_frames_are_refused(shape):
    with pytest.raises(InputError, match="shape"):
        Clip(np.zeros(shape))
    with pytest.raises(InputError, match="shape"):
        pack([np.zeros(shape)], coefficients=D)


@pytest.mark.parametrize("function", [alignment_floors, exact_distances])
def test_frames_of_two_kinds_are_never_compared(function):
    with pytest.raises(InputError, match="3 coefficients, the tracks' 4"):
        function(Clip(np.zeros((2, 3))), pack([np.zeros((2, 4))], coefficients=4), np.array([0]))
    with pytest.raises(InputError, match="shape"):
        align(Clip(np.zeros((2, 3))), np.zeros((2, 4)))


@given(st.lists(halves(numbers=any_half, lengths=few), max_size=5))
def test_packed_frames_come_back_unchanged(tracks):
    packed = pack(tracks, coefficients=D)
    assert len(packed) == len(tracks)
    for row, track in enumerate(tracks):
        assert packed.frames(row).tobytes() == track.tobytes()


def test_every_finite_float16_is_compared_by_its_value():
    bits = np.arange(65_536, dtype=np.uint16)
    values = bits.view(np.float16)
    values = values[np.isfinite(values)]
    tracks = pack(list(values[:, None, None]), coefficients=1)
    found = exact_distances(Clip(np.zeros((1, 1))), tracks, all_rows(tracks))
    assert (found == np.abs(values.astype(np.float64))).all()
    signed = exact_distances(Clip(np.full((1, 1), -LARGEST)), tracks, all_rows(tracks))
    assert (signed == values.astype(np.float64) + LARGEST).all()
