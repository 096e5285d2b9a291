"""The very recording is told from what sounds like it."""

from hypothesis import given
from hypothesis import strategies as st

from tunekin_ranker.identify import CEILING, REFERENCE_PLACE, tell_apart
from tunekin_ranker.search import Hit


def hits(*distances: float, prefix: str = "t") -> tuple[Hit, ...]:
    return tuple(
        Hit(track_id=f"{prefix}{number}", distance=distance, score=distance, start=0, stop=1)
        for number, distance in enumerate(distances)
    )


def ids(found: tuple[Hit, ...]) -> list[str]:
    return [hit.track_id for hit in found]


def split(near: tuple[Hit, ...], far: tuple[Hit, ...], *, k: int = 5) -> tuple[list[str], list[str]]:
    recordings, matches = tell_apart(near, far, k=k, group_of=lambda track_id: track_id)
    return ids(recordings), ids(matches)


def test_a_track_far_nearer_than_the_others_is_the_very_recording() -> None:
    recordings, matches = split(hits(0.8), hits(2.6, 2.7, 2.8, 2.9, 3.0, prefix="f"))
    assert recordings == ["t0"]
    assert matches == ["f0", "f1", "f2", "f3", "f4"]


def test_the_nearest_of_many_alike_is_a_match_like_any_other() -> None:
    recordings, matches = split(hits(1.0, 1.1, 1.15, 1.2, 1.2, 1.25), ())
    assert recordings == []
    assert matches == ["t0", "t1", "t2", "t3", "t4"]


def test_copies_of_a_recording_are_found_together_and_take_no_place() -> None:
    recordings, matches = split(hits(0.7, 0.71, 0.72, 2.3), hits(2.6, 2.7, 2.8, 2.9, prefix="f"))
    assert recordings == ["t0", "t1", "t2"]
    assert matches == ["t3", "f0", "f1", "f2", "f3"]


def test_in_a_small_catalogue_only_the_distance_counts() -> None:
    assert split(hits(0.9, 2.0), ())[0] == ["t0"]
    assert split(hits(1.5, 2.0), ())[0] == []


def test_nothing_found_is_nothing() -> None:
    assert split((), ()) == ([], [])


groups = st.lists(st.tuples(st.floats(0, 6), st.integers(0, 8)), max_size=30)


@given(groups, st.integers(1, 8))
def test_the_matches_are_the_best_groups_of_all_that_is_not_the_recording(
    tracks: list[tuple[float, int]], k: int
) -> None:
    """Against sorting everything, from what a search hands over: all that is near, the best groups of what is far."""
    ordered = sorted((distance, f"t{number:02d}", group) for number, (distance, group) in enumerate(tracks))
    group_of = {track_id: group for _, track_id, group in ordered}
    everything = [
        Hit(track_id=track_id, distance=distance, score=distance, start=0, stop=1) for distance, track_id, _ in ordered
    ]
    near = tuple(hit for hit in everything if hit.distance <= CEILING)
    far = best_groups([hit for hit in everything if hit.distance > CEILING], group_of)
    wanted = max(k, REFERENCE_PLACE + 1)
    recordings, matches = tell_apart(near, far[:wanted], k=k, group_of=group_of.__getitem__)
    rest = [hit for hit in everything if hit not in recordings]
    assert matches == best_groups(rest, group_of)[:k]
    assert all(hit.distance <= CEILING for hit in recordings)


def best_groups(hits: list[Hit], group_of: dict[str, int]) -> tuple[Hit, ...]:
    """The best track of each group, best first."""
    seen: dict[int, Hit] = {}
    for hit in hits:
        seen.setdefault(group_of[hit.track_id], hit)
    return tuple(seen.values())
