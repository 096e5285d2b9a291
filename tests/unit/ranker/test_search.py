"""A certified search returns exactly what comparing every track by the plain definition returns."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.ranker import reference
from tunekin.errors import InputError, OptionError
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip
from tunekin_ranker.floors import KeptFloors
from tunekin_ranker.index import Index, Track
from tunekin_ranker.search import KBest, Scoring, search

D = 3


def entries(hits):
    return [(hit.distance, hit.track_id) for hit in hits]


def scored(hits):
    return [(hit.score, hit.track_id) for hit in hits]


def scoring_of(index, lines):
    """Offsets and slopes by slot, from those by track id; gone tracks have the worst of numbers."""
    found = np.array([lines.get(index.track_at(slot).track_id, (-1e9, 0.0)) for slot in range(index.slots)])
    return Scoring(offsets=found.reshape(-1, 2)[:, 0].copy(), slopes=found.reshape(-1, 2)[:, 1].copy())


def frames(rng, m, *, scale=1.0):
    """Frames that wander, as sound does."""
    return (np.cumsum(rng.standard_normal((m, D)), axis=0) * 0.3 * scale).astype(np.float16)


def catalogue(seed, *, count=120, groups=30, scale=1.0):
    rng = np.random.default_rng(seed)
    return [
        Track(
            track_id=f"t{i:03}",
            frames=frames(rng, int(rng.integers(1, 40)), scale=scale),
            group=None if i % 7 == 0 else f"g{rng.integers(groups)}",
            mood=int(rng.integers(4)),
        )
        for i in range(count)
    ]


@st.composite
def tied_catalogues(draw):
    """Tracks of so few different frames that distances tie and tracks repeat."""
    count = draw(st.integers(0, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1.0, 0.001, 30_000.0]))
    levels = draw(st.integers(1, 3))
    return [
        Track(
            track_id=f"t{i}",
            frames=(rng.integers(0, levels, (int(rng.integers(1, 5)), D)) * scale).astype(np.float16),
            group=draw(st.sampled_from([None, "x", "y", "z"])),
            mood=draw(st.sampled_from([None, 0, 1])),
        )
        for i in rng.permutation(count).tolist()
    ]


@settings(max_examples=150, deadline=None)
@given(
    tracks=tied_catalogues(),
    clip=hnp.arrays(np.float16, st.tuples(st.integers(1, 6), st.just(D)), elements=st.integers(0, 2)),
    options=st.fixed_dictionaries(
        {
            "k": st.integers(1, 12),
            "grouping": st.sampled_from(["group", "track"]),
            "exclude": st.sets(st.integers(0, 80).map("t{}".format), max_size=4),
            "unwanted": st.sets(st.integers(0, 80).map("t{}".format), max_size=4),
            "identity_distance": st.sampled_from([None, 0.0, 0.5, 1.0, 1e4]),
        }
    ),
    moods=st.sampled_from([None, (0,), (1,), (0, 1), ()]),
    from_track=st.none() | st.integers(0, 69),
    some_lines=st.none()
    | st.lists(
        st.tuples(st.sampled_from([0.0, -3.0, 0.5, 1e6]), st.sampled_from([0.0, 1.0, 0.1, 3.0])), min_size=1, max_size=5
    ),
)
def test_certified_hits_are_those_of_brute_force(*, tracks, clip, options, moods, from_track, some_lines):
    if tracks and from_track is not None:
        clip = tracks[from_track % len(tracks)].frames
    index = Index.build(tracks)
    allowed = None if moods is None else np.isin(index.moods, moods)
    lines = scoring = None
    if some_lines is not None:
        lines = {track.track_id: some_lines[i % len(some_lines)] for i, track in enumerate(tracks)}
        scoring = scoring_of(index, lines)
    found = search(index, Clip(clip), allowed=allowed, scoring=scoring, **options)
    hits, identical = reference.best(tracks, clip, moods=moods, lines=lines, **options)
    assert scored(found.hits) == hits
    assert entries(found.identical) == identical
    assert found.proven
    brute = search(index, Clip(clip), allowed=allowed, scoring=scoring, mode="brute", **options)
    assert (brute.hits, brute.identical, brute.candidates) == (found.hits, found.identical, found.candidates)
    assert brute.compared_in_full == brute.candidates
    may_be_hits = [
        track
        for track in tracks
        if track.track_id not in options["exclude"] | options["unwanted"] and (moods is None or track.mood in moods)
    ]
    assert found.candidates == len(may_be_hits)
    assert found.compared_in_full <= found.candidates


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1_000.0])
@pytest.mark.parametrize("seed", range(4))
def test_hits_and_spans_are_those_of_brute_force_on_wandering_frames(seed, scale):
    tracks = catalogue(seed, scale=scale)
    clip = frames(np.random.default_rng(1_000 + seed), 12, scale=scale)
    found = search(Index.build(tracks), Clip(clip), k=5)
    hits, _ = reference.best(tracks, clip, k=5)
    assert entries(found.hits) == hits
    by_id = {track.track_id: track for track in tracks}
    for hit in found.hits:
        assert (hit.start, hit.stop) == reference.span(clip, by_id[hit.track_id].frames)
    assert found.candidates == len(tracks)


def test_threads_change_nothing():
    crew = Crew(3)
    for seed in range(3):
        tracks = catalogue(seed, count=500)
        index = Index.build(tracks).with_changes(upserts=catalogue(50 + seed, count=100), removals=["t400"])
        clip = Clip(frames(np.random.default_rng(seed), 12))
        assert search(index, clip, k=5, crew=crew) == search(index, clip, k=5)
        everything = np.arange(index.slots)
        assert (index.exact_distances(clip, everything, crew=crew) == index.exact_distances(clip, everything)).all()
    crew.close()


def test_no_threads_are_refused():
    with pytest.raises(OptionError, match="threads is 0"):
        Crew(0)


@pytest.mark.parametrize("scale", [1.0, 1e-3])
@pytest.mark.parametrize("seed", range(4))
def test_scores_of_many_sizes_rank_as_by_brute_force(seed, scale):
    rng = np.random.default_rng(20 + seed)
    tracks = catalogue(seed, scale=scale)
    lines = {
        track.track_id: (float(rng.normal() * rng.choice([0.0, 0.1, 10.0])), float(rng.gamma(2.0) * 10**seed))
        for track in tracks
    }
    index = Index.build(tracks).with_changes(removals=["t003", "t050"])
    left = [track for track in tracks if track.track_id not in {"t003", "t050"}]
    clip = frames(rng, 12, scale=scale)
    nearest = reference.best(left, clip, k=9, grouping="track")[0][-1][0]
    found = search(index, Clip(clip), k=5, scoring=scoring_of(index, lines), identity_distance=nearest)
    hits, identical = reference.best(left, clip, k=5, lines=lines, identity_distance=nearest)
    assert scored(found.hits) == hits
    assert entries(found.identical) == identical
    assert found.compared_in_full < found.candidates


def test_a_shortlist_of_scores_is_proposed_by_scores():
    tracks = catalogue(19)
    index = Index.build(tracks)
    # All the same but for ten that the scoring prefers to any distance.
    lines = {track.track_id: (0.0 if i % 12 == 5 else 1e6, 1.0) for i, track in enumerate(tracks)}
    clip = frames(np.random.default_rng(19), 8)
    found = search(
        index, Clip(clip), k=10, mode="shortlist", shortlist_size=10, grouping="track", scoring=scoring_of(index, lines)
    )
    assert scored(found.hits) == reference.best(tracks, clip, k=10, grouping="track", lines=lines)[0]
    assert (found.compared_in_full, found.proven) == (10, False)


def test_the_distance_decides_nothing_where_slopes_are_zero():
    tracks = catalogue(20)
    index = Index.build(tracks)
    clip = frames(np.random.default_rng(20), 8)
    lines = {track.track_id: (float(i % 3), 0.0) for i, track in enumerate(tracks)}
    found = search(index, Clip(clip), k=4, grouping="track", scoring=scoring_of(index, lines))
    assert scored(found.hits) == [(0.0, "t000"), (0.0, "t003"), (0.0, "t006"), (0.0, "t009")]


def test_floors_spare_most_tracks_of_a_catalogue_that_is_mostly_far_away():
    rng = np.random.default_rng(5)
    near = [Track(track_id=f"near-{i}", frames=frames(rng, 30)) for i in range(10)]
    far = [
        Track(track_id=f"far-{i}", frames=(frames(rng, 30).astype(np.float64) + 50).astype(np.float16))
        for i in range(400)
    ]
    found = search(Index.build(near + far), Clip(frames(rng, 10)), k=5)
    assert found.proven
    assert found.candidates == 410
    assert 10 <= found.compared_in_full < 100


def test_distances_that_float32_cannot_tell_apart_are_told_apart():
    # One step of float16 at the far end of the scale moves the distance by 1e-9 of itself.
    rng = np.random.default_rng(6)
    far = np.full((1, D), 60_000.0, np.float16)
    tracks = []
    for _ in range(60):
        one = far.copy()
        one[0, 0] = np.float16(6e-8) * rng.integers(0, 1_000)
        tracks.append(Track(track_id=f"t{rng.integers(10**9)}", frames=one))
    clip = np.zeros((1, D), np.float16)
    clip[0, 0] = np.float16(6e-8) * 500
    found = search(Index.build(tracks), Clip(clip), k=20)
    assert entries(found.hits) == reference.best(tracks, clip, k=20)[0]


def test_equal_tracks_come_in_the_order_of_their_ids():
    rng = np.random.default_rng(7)
    same = frames(rng, 20)
    # More than are compared before there is a bound.
    names = [f"t{i:03}" for i in range(150)]
    shuffled = [names[i] for i in rng.permutation(150)]
    index = Index.build([Track(track_id=name, frames=same) for name in shuffled])
    for clip in (frames(rng, 6), same[5:15]):
        found = search(index, Clip(clip), k=7)
        assert [hit.track_id for hit in found.hits] == names[:7]


def test_silence_matches_silence_exactly():
    tracks = [Track(track_id="silence", frames=np.zeros((30, D), np.float16)), *catalogue(8)]
    found = search(Index.build(tracks), Clip(np.zeros((10, D), np.float16)), k=1)
    assert entries(found.hits) == reference.best(tracks, np.zeros((10, D)), k=1)[0]
    assert found.hits[0].distance == 0


def test_a_group_gets_one_place_and_a_track_without_group_its_own():
    rng = np.random.default_rng(9)
    base = frames(rng, 20)
    tracks = [
        Track(track_id=f"{group}-{i}", frames=(base.astype(np.float64) + i * 0.1).astype(np.float16), group=group)
        for group in ("x", None)
        for i in range(5)
    ]
    found = search(Index.build(tracks), Clip(base), k=10)
    assert sum(hit.track_id.startswith("x-") for hit in found.hits) == 1
    assert sum(hit.track_id.startswith("None-") for hit in found.hits) == 5
    single = search(Index.build(tracks), Clip(base), k=10, grouping="track")
    assert len(single.hits) == 10


def test_an_identical_track_leaves_its_groups_place_to_the_next():
    rng = np.random.default_rng(10)
    song = frames(rng, 40)
    other = (song.astype(np.float64) + 1).astype(np.float16)
    tracks = [Track(track_id="a", frames=song, group="x"), Track(track_id="b", frames=other, group="x")]
    found = search(Index.build(tracks), Clip(song[10:20]), k=5, identity_distance=0.01)
    assert entries(found.identical) == [(0.0, "a")]
    assert (found.identical[0].start, found.identical[0].stop) == (10, 20)
    assert [hit.track_id for hit in found.hits] == ["b"]


def test_every_identical_track_is_found_though_the_places_are_taken():
    rng = np.random.default_rng(11)
    song = frames(rng, 40)
    copies = [Track(track_id=f"copy-{i:02}", frames=song, group=f"g{i}") for i in range(100)]
    others = catalogue(11)
    found = search(Index.build(copies + others), Clip(song[5:15]), k=1, identity_distance=0.0)
    assert [hit.track_id for hit in found.identical] == [one.track_id for one in copies]
    assert len(found.hits) == 1


def test_a_filter_that_leaves_few_tracks_is_honoured_by_both_modes():
    tracks = catalogue(12)
    index = Index.build(tracks)
    allowed = np.zeros(index.slots, np.bool_)
    allowed[[17, 90]] = True
    clip = frames(np.random.default_rng(12), 8)
    for mode in ("certified", "shortlist"):
        found = search(index, Clip(clip), k=5, mode=mode, allowed=allowed, exclude=["t090", "unheard of"])
        assert [hit.track_id for hit in found.hits] == ["t017"]
        assert (found.candidates, found.compared_in_full, found.proven) == (1, 1, True)


@pytest.mark.parametrize("mode", ["certified", "shortlist", "brute"])
def test_a_track_that_may_be_no_hit_is_recognised_and_counts_for_nothing(mode):
    tracks = catalogue(21)
    index = Index.build(tracks)
    allowed = np.zeros(index.slots, np.bool_)
    allowed[20:40] = True
    # One that the filter leaves out, and one that nobody wants.
    for number, unwanted in ((90, ()), (25, ("t025",))):
        clip = tracks[number].frames
        options: dict[str, Any] = {
            "k": 3,
            "mode": mode,
            "shortlist_size": 10,
            "identity_distance": 0.0,
            "grouping": "track",
        }
        found = search(index, Clip(clip), allowed=allowed, unwanted=unwanted, **options)
        assert entries(found.identical) == [(0.0, f"t{number:03}")]
        assert {hit.track_id for hit in found.hits} <= {f"t{one:03}" for one in range(20, 40)} - set(unwanted)
        assert found.candidates == 20 - len(unwanted)
        assert found.compared_in_full <= found.candidates
        assert found.proven == (mode != "shortlist")


def test_what_may_be_no_hit_is_aligned_only_where_it_may_be_the_same_recording(monkeypatch):
    rng = np.random.default_rng(24)
    song = frames(rng, 40)
    near = [
        Track(track_id=f"near-{i}", frames=(song.astype(np.float64) + 1 + i / 100).astype(np.float16))
        for i in range(50)
    ]
    far = [Track(track_id=f"far-{i}", frames=(song.astype(np.float64) + 20).astype(np.float16)) for i in range(50)]
    index = Index.build([Track(track_id="song", frames=song), *near, *far])
    aligned = set()
    plain = Index.alignment_floors

    def watched(self, clip, slots, *arguments, **options):
        aligned.update(slots.tolist())
        return plain(self, clip, slots, *arguments, **options)

    monkeypatch.setattr(Index, "alignment_floors", watched)
    allowed = np.arange(index.slots) > 50
    found = search(index, Clip(song[10:20]), k=5, allowed=allowed, identity_distance=0.1)
    assert entries(found.identical) == [(0.0, "song")]
    assert len(found.hits) == 5
    assert not aligned & set(range(1, 51))


def test_an_excluded_track_is_not_recognised():
    tracks = catalogue(22)
    index = Index.build(tracks)
    found = search(index, Clip(tracks[3].frames), k=3, exclude=["t003"], identity_distance=0.0)
    assert found.identical == ()
    assert "t003" not in {hit.track_id for hit in found.hits}


def test_a_shortlist_that_leaves_tracks_unrecognised_is_not_proven():
    tracks = catalogue(23)
    index = Index.build(tracks)
    allowed = np.zeros(index.slots, np.bool_)
    allowed[:5] = True
    clip = Clip(frames(np.random.default_rng(23), 8))
    options: dict[str, Any] = {"k": 5, "mode": "shortlist", "shortlist_size": 5, "allowed": allowed}
    assert search(index, clip, **options).proven
    assert not search(index, clip, identity_distance=0.01, **options).proven
    assert search(index, clip, identity_distance=0.01, **options | {"shortlist_size": 115}).proven


def test_floors_kept_from_a_search_with_a_filter_serve_one_without():
    for seed in range(4):
        tracks = catalogue(30 + seed, count=300)
        index = Index.build(tracks)
        clip = Clip(frames(np.random.default_rng(seed), 12))
        nearest = search(index, clip, k=2, grouping="track").hits[1].distance
        kept = KeptFloors()
        for moods, identity_distance in (((0,), nearest), ((1, 2), None), ((0, 1, 2, 3), None), ((3,), nearest)):
            options: dict[str, Any] = {
                "k": 5,
                "allowed": np.isin(index.moods, moods),
                "identity_distance": identity_distance,
            }
            assert search(index, clip, kept=kept, **options).hits == search(index, clip, mode="brute", **options).hits


def test_a_shortlist_ranks_what_it_compared_and_claims_no_more():
    tracks = catalogue(13)
    index = Index.build(tracks)
    clip = frames(np.random.default_rng(13), 8)
    found = search(index, Clip(clip), k=3, mode="shortlist", shortlist_size=10, grouping="track")
    proposed = index.nearest_means(clip.astype(np.float64).mean(axis=0), count=10, allowed=index.alive)
    hits, _ = reference.best([tracks[slot] for slot in proposed], clip, k=3, grouping="track")
    assert entries(found.hits) == hits
    assert (found.candidates, found.compared_in_full, found.proven) == (120, 10, False)


def test_a_shortlist_of_everybody_is_proven():
    tracks = catalogue(14)
    clip = frames(np.random.default_rng(14), 8)
    found = search(Index.build(tracks), Clip(clip), k=5, mode="shortlist", shortlist_size=120)
    assert found.proven
    assert entries(found.hits) == reference.best(tracks, clip, k=5)[0]


def test_more_hits_than_tracks_gives_every_track():
    tracks = catalogue(15, count=6)
    found = search(Index.build(tracks), Clip(frames(np.random.default_rng(15), 8)), k=50, grouping="track")
    assert {hit.track_id for hit in found.hits} == {track.track_id for track in tracks}


def test_an_empty_index_has_no_hits():
    found = search(Index.build([]), Clip(np.zeros((3, D))), k=5)
    assert (found.hits, found.identical, found.candidates, found.proven) == ((), (), 0, True)


def test_changes_do_not_reach_a_search_on_the_earlier_snapshot():
    tracks = catalogue(16)
    index = Index.build(tracks)
    clip = frames(np.random.default_rng(16), 8)
    before = search(index, Clip(clip), k=5)
    better = Track(track_id="better", frames=clip)
    later = index.with_changes(upserts=[better], removals=[before.hits[1].track_id])
    assert search(index, Clip(clip), k=5) == before
    left = [track for track in tracks if track.track_id != before.hits[1].track_id]
    assert entries(search(later, Clip(clip), k=5).hits) == reference.best([*left, better], clip, k=5)[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is 0"),
        ({"k": 1, "shortlist_size": 0}, "shortlist_size is 0"),
        ({"k": 1, "mode": "fast"}, "mode is 'fast'"),
        ({"k": 1, "grouping": "album"}, "grouping is 'album'"),
        ({"k": 1, "identity_distance": -0.1}, "identity_distance is -0.1"),
        ({"k": 1, "identity_distance": np.nan}, "identity_distance is nan"),
        ({"k": 1, "allowed": np.ones(3, np.bool_)}, "the filter has the shape"),
        ({"k": 1, "allowed": np.ones(120)}, "the type float64"),
        ({"k": 1, "scoring": Scoring.plain(3)}, "the scoring's offsets have the shape"),
        ({"k": 1, "scoring": Scoring(offsets=np.zeros(120), slopes=np.full(120, -1.0))}, "slopes hold -1.0"),
        ({"k": 1, "scoring": Scoring(offsets=np.full(120, np.nan), slopes=np.ones(120))}, "offsets hold nan"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        search(Index.build(catalogue(17)), Clip(np.zeros((2, D))), **options)


def test_a_clip_of_another_kind_is_refused():
    with pytest.raises(InputError, match="coefficients"):
        search(Index.build(catalogue(18)), Clip(np.zeros((2, D + 1))), k=1)


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 4).map(float), st.sampled_from("uvwxyz")), max_size=40),
)
def test_k_best_keeps_the_best_track_of_the_best_groups_in_any_order(k, offers):
    best = KBest(k)
    best_of: dict[str, tuple[float, str]] = {}
    for i, (distance, group) in enumerate(offers):
        entry = (distance, f"t{i * 7 % 41:02}")
        best.offer(*entry, group=group)
        best_of[group] = min(entry, best_of.get(group, entry))
        wanted = sorted(best_of.values())[:k]
        assert best.ranked == wanted
        assert best.bound == (wanted[-1][0] if len(wanted) == k else np.inf)
