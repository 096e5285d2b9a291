"""What a listener likes shifts what comes first, by sound alone, and says so."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.ranker.test_rank import answer, classified, sight, snapshot, stranger, walk
from tunekin.features import FEATURES, views_from_bytes
from tunekin.messages import Answer, Classified, ClipOptions, Label
from tunekin_ranker import kin
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip, exact_distances
from tunekin_ranker.index import Index
from tunekin_ranker.rank import look, rank
from tunekin_ranker.reasons import LIKED_VIEW
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.taste import CAP, DISLIKED, LIKED, Song, Taste
from tunekin_ranker.words import strangeness

REACH = 6.0


def heard(seed: int) -> NDArray[np.float16]:
    """Views of music: some songs lie nearer to each other than the cap, and some do not."""
    views = sight(seed)
    views[-len(FEATURES.views) :] = REACH
    return views


def catalogue(count: int = 40) -> Snapshot:
    plain = snapshot(count, artists=count)
    tracks = (plain.index.track_at(slot) for slot in range(count))
    index = Index.build(replace(track, views=heard(number)) for number, track in enumerate(tracks))
    return replace(plain, index=index)


def question(seed: int = 99, **options: Any) -> Classified:
    # Whether songs are versions of each other is seldom the point, and takes its time.
    return classified(stranger(seed), options=ClipOptions(**{"versions": "any", **options}), views=heard(seed))


HELD = catalogue()
IDS = tuple(HELD.infos)
some_ids = st.lists(st.sampled_from(IDS), unique=True, max_size=6).map(tuple)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Distance of two songs, term by term."""
    weights = {name: weight for name, weight in kin.WEIGHTS.items() if name != kin.MOMENT}
    total, start = 0.0, 0
    one, other = one.astype(np.float64), other.astype(np.float64)
    for number, (name, length) in enumerate(FEATURES.views):
        reach = FEATURES.views_size - len(FEATURES.views) + number
        away = sum((a - b) ** 2 for a, b in zip(one[start:][:length], other[start:][:length], strict=True))
        total += weights[name] * float(np.sqrt(away / (one[reach] * other[reach])))
        start += length
    return total / sum(weights.values())


def shift(track_id: str, likes: tuple[str, ...], dislikes: tuple[str, ...], held: Snapshot) -> float:
    """What taste adds to a score, by its definition."""
    views = {name: song.views for name, song in held.songs(held.infos).items()}
    own = views[track_id]
    liked = min((apart(own, views[name]) for name in likes if name != track_id), default=CAP)
    disliked = min((apart(own, views[name]) for name in dislikes), default=CAP)
    return LIKED * min(liked, CAP) - DISLIKED * min(disliked, CAP)


def taste(likes: tuple[str, ...] = (), dislikes: tuple[str, ...] = (), held: Snapshot = HELD) -> Taste:
    return Taste.of(ClipOptions(likes=likes, dislikes=dislikes), held.songs((*likes, *dislikes)))


def order(told: Answer) -> list[str]:
    return [match.track_id for match in told.matches]


@settings(max_examples=10, deadline=None)
@given(likes=some_ids, dislikes=some_ids)
def test_a_shift_is_what_its_definition_says(likes, dislikes) -> None:
    shifts = taste(likes, dislikes).shifts(HELD.index)
    wanted = [shift(HELD.index.track_at(slot).track_id, likes, dislikes, HELD) for slot in range(HELD.index.slots)]
    np.testing.assert_allclose(shifts, wanted, atol=1e-6)


def test_threads_change_no_shift() -> None:
    held = catalogue(700)
    crew = Crew(3)
    try:
        alone = taste(("t05", "t11"), ("t33",), held).shifts(held.index)
        np.testing.assert_array_equal(taste(("t05", "t11"), ("t33",), held).shifts(held.index, crew=crew), alone)
    finally:
        crew.close()


def test_a_shift_depends_on_the_songs_alone_and_not_on_who_lies_beside_them() -> None:
    one = taste(("t05", "t11"), ("t33",))
    shifts = one.shifts(HELD.index)
    for first in (1, 7, 30):
        part = Index.build(HELD.index.track_at(slot) for slot in range(first, HELD.index.slots))
        np.testing.assert_array_equal(one.shifts(part), shifts[first:])


def test_the_order_of_likes_decides_nothing() -> None:
    np.testing.assert_array_equal(
        taste(("t05", "t11", "t20")).shifts(HELD.index), taste(("t20", "t05", "t11")).shifts(HELD.index)
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(200, 210), options=st.sampled_from([{}, {"k": 40, "artists": "any"}]))
def test_without_likes_nothing_changes_bit_by_bit(seed: int, options: dict[str, Any]) -> None:
    message = question(seed, **options)
    plain = look(message, HELD, version=FEATURES, shortlist_size=200)
    # Songs that nobody named change nothing either.
    assert look(message, HELD, version=FEATURES, shortlist_size=200, songs=HELD.songs(IDS)) == plain


def test_ids_that_the_catalogue_does_not_hold_change_nothing() -> None:
    assert answer(question(likes=("gone",), dislikes=("gone too",)), HELD) == answer(question(), HELD)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(200, 206), likes=some_ids, dislikes=some_ids, k=st.sampled_from([1, 5, 40]))
def test_the_list_is_what_comparing_every_song_gives_and_proven(seed, likes, dislikes, k) -> None:
    dislikes = tuple(set(dislikes) - set(likes))
    message = question(seed, k=k, likes=likes, dislikes=dislikes)
    told = answer(message, HELD)
    query = Clip(stranger(seed))
    away = kin.apart(views_from_bytes(message.views), HELD.index.views)
    weights = kin.balanced({})
    scores = {}
    for slot in range(HELD.index.slots):
        track = HELD.index.track_at(slot)
        segment = HELD.index.parts[0][0]
        moment = exact_distances(query, segment.frames, np.array([slot]))[0] / strangeness(query.frames)
        sound = sum(weights[view] * float(distance[slot]) for view, distance in away.items())
        sound += weights[kin.MOMENT] * moment
        scores[track.track_id] = sound + shift(track.track_id, likes, dislikes, HELD)
    wanted = sorted((name for name in scores if name not in dislikes), key=lambda name: (scores[name], name))
    assert order(told) == wanted[:k]
    assert told.search is not None
    assert told.search.proven


def test_a_song_near_to_a_liked_one_comes_sooner_and_the_answer_says_why() -> None:
    plain = order(answer(question(k=40), HELD))
    # Of two songs in a row, the second is near to a third one.
    ahead, behind, liked = next(
        (ahead, behind, liked)
        for ahead, behind in pairwise(plain)
        for liked in IDS
        if liked not in {ahead, behind} and shift(behind, (liked,), (), HELD) < shift(ahead, (liked,), (), HELD) - 0.1
    )
    told = answer(question(k=40, likes=(liked,)), HELD)
    assert order(told).index(behind) < order(told).index(ahead)
    match = next(match for match in told.matches if match.track_id == behind)
    why = match.why[0]
    assert (why.view, why.label) == (
        LIKED_VIEW,
        Label(ko=f"좋아하신 “song {liked}”에 가까움", en=f"close to “song {liked}” that you liked"),
    )
    assert 0.5 < why.similarity < 1


def test_a_song_far_from_all_that_is_liked_gives_no_such_reason() -> None:
    told = answer(question(k=40, likes=("t05",)), HELD)
    near = {match.track_id for match in told.matches if match.why[0].view == LIKED_VIEW}
    views = {name: song.views for name, song in HELD.songs(IDS).items()}
    assert near == {name for name in IDS if name != "t05" and apart(views[name], views["t05"]) < CAP}
    assert 0 < len(near) < len(IDS)


def test_a_liked_song_is_no_reason_for_itself() -> None:
    alone = taste(("t05",)).shifts(HELD.index)
    assert alone[HELD.index.slot_of("t05")] == pytest.approx((LIKED - DISLIKED) * CAP)
    told = next(match for match in answer(question(k=40, likes=("t05",)), HELD).matches if match.track_id == "t05")
    assert LIKED_VIEW not in {why.view for why in told.why}


def test_a_disliked_song_is_not_in_the_list_and_what_is_like_it_comes_later() -> None:
    plain = order(answer(question(k=40), HELD))
    ahead, behind, disliked = next(
        (ahead, behind, disliked)
        for ahead, behind in pairwise(plain)
        for disliked in IDS
        if disliked not in {ahead, behind}
        and shift(behind, (), (disliked,), HELD) < shift(ahead, (), (disliked,), HELD) - 0.03
    )
    told = order(answer(question(k=40, dislikes=(disliked,)), HELD))
    assert sorted(told) == sorted(set(plain) - {disliked})
    assert told.index(behind) < told.index(ahead)


def test_similarity_is_of_sound_alone() -> None:
    plain = {match.track_id: match.similarity for match in answer(question(k=40), HELD).matches}
    told = answer(question(k=40, likes=("t05", "t07"), dislikes=("t09",)), HELD).matches
    assert {match.track_id: match.similarity for match in told} == {
        name: similarity for name, similarity in plain.items() if name != "t09"
    }
    assert [match.similarity for match in told] != sorted((match.similarity for match in told), reverse=True)


def test_another_version_of_a_disliked_song_is_not_in_the_list_either() -> None:
    tracks = [HELD.index.track_at(slot) for slot in range(HELD.index.slots)]
    again = replace(tracks[7], track_id="t07 again", group="another label", frames=tracks[7].frames[10:])
    held = replace(HELD, index=Index.build([*tracks, again]), infos=dict(HELD.infos) | {"t07 again": HELD.infos["t07"]})
    told = answer(question(k=41, dislikes=("t07",), versions="one"), held)
    assert not {"t07", "t07 again"} & set(order(told))
    assert len(told.matches) == 39
    assert "t07 again" in order(answer(question(k=41, dislikes=("t07",)), held))


@pytest.mark.parametrize("mode", ["certified", "shortlist"])
def test_a_disliked_song_is_still_recognised(mode) -> None:
    told = answer(
        classified(walk(3)[40:100], views=heard(3), options=ClipOptions(dislikes=("t03", "t04"), mode=mode)), HELD
    )
    assert told.identified is not None
    assert told.identified.track_id == "t03"
    assert not {"t03", "t04"} & set(order(told))
    assert len(told.matches) == 5


def test_a_shortlist_is_filled_up_where_what_it_proposes_is_disliked() -> None:
    proposed = order(answer(question(k=9, artists="any"), HELD))
    message = question(k=9, artists="any", mode="shortlist", dislikes=tuple(proposed))
    told = rank(lambda asked: look(asked, HELD, version=FEATURES, shortlist_size=9, songs=HELD.songs(IDS)), message)
    assert len(told.matches) == 9
    assert not set(proposed) & set(order(told))


def test_an_empty_catalogue_has_no_shifts() -> None:
    assert Taste(likes={"a": Song(title="", views=heard(1))}, dislikes={}).shifts(Index()).size == 0
