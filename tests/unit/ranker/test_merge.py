"""A divided catalogue answers as an undivided one."""

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ranker.test_rank import answer, classified, snapshot, stranger, walk
from tunekin.errors import EmptyCatalogueError, OptionError
from tunekin.features import FEATURES
from tunekin.messages import Answer, Classified, ClipOptions, Known, Partial
from tunekin_ranker.index import Index
from tunekin_ranker.merge import is_complete, merge, question_of
from tunekin_ranker.rank import clip_of, look
from tunekin_ranker.shard import Shard
from tunekin_ranker.snapshot import Snapshot

WHOLE = snapshot(24, artists=7)


def part_of(whole: Snapshot, shard: Shard, homes: Sequence[int] | None = None) -> Snapshot:
    """What a shard holds: by its rule, or by the shard's number of each track."""
    slots = range(whole.index.slots)
    kept = [
        slot
        for slot in slots
        if (shard.holds(whole.index.track_at(slot).track_id) if homes is None else homes[slot] == shard.number)
    ]
    tracks = [whole.index.track_at(slot) for slot in kept]
    return replace(
        whole,
        index=Index.build(tracks),
        infos={track.track_id: whole.infos[track.track_id] for track in tracks},
    )


def looked(message: Classified, whole: Snapshot, shard: Shard, homes: Sequence[int] | None = None) -> Partial:
    options = clip_of(message).options
    songs = whole.songs((*options.likes, *options.dislikes))
    held = part_of(whole, shard, homes)
    return look(message, held, version=FEATURES, shortlist_size=200, shard=shard, songs=songs)


def divided(message: Classified, count: int, homes: Sequence[int] | None = None) -> Answer:
    """Ask all shards, as often as the merge wants to."""
    outcome: Answer | Classified = message
    while isinstance(outcome, Classified):
        partials = [looked(outcome, WHOLE, Shard(number + 1, count), homes) for number in range(count)]
        assert is_complete(partials)
        outcome = merge(partials)
    return outcome


def same(answer: Answer) -> tuple[object, ...]:
    """All of an answer but how much work it was."""
    assert answer.search is not None
    facts = msgspec.structs.replace(answer.search, compared_in_full=0)
    return answer.mood, answer.identified, answer.matches, facts, answer.versions, answer.attempt, answer.key


@settings(max_examples=25, deadline=None)
@given(
    homes=st.lists(st.integers(1, 4), min_size=24, max_size=24),
    options=st.builds(
        ClipOptions,
        k=st.sampled_from([1, 3, 5, 24, 40]),
        scope=st.sampled_from(["all", "mood"]),
        artists=st.sampled_from(["one", "any"]),
        weights=st.sampled_from([(), (("moment", 10.0),), (("style", 0.0), ("feeling", 0.0))]),
        likes=st.sampled_from([(), ("t05",), ("t21", "t02", "t13", "gone")]),
        dislikes=st.sampled_from([(), ("t03", "t11"), ("t20",)]),
    ),
    frames=st.sampled_from([stranger(7), stranger(8, frames=40), walk(3)[10:90], walk(17)[30:80]]),
    ambiguous=st.booleans(),
    without=st.sampled_from([None, Known(exclude=("t03",)), Known(exclude=("t05", "t06"))]),
)
def test_however_a_catalogue_is_divided_the_answer_is_the_same(homes, options, frames, ambiguous, without) -> None:
    probabilities = (0.45, 0.4, 0.15) if ambiguous else (0.8, 0.15, 0.05)
    message = classified(frames, options=options, probabilities=probabilities)
    message = msgspec.structs.replace(message, known=without)
    assert same(divided(message, 4, homes)) == same(answer(message, WHOLE))


def test_songs_like_a_recognised_one_are_looked_for_in_all_shards() -> None:
    message = classified(walk(3)[10:90])
    found = divided(message, 3)
    assert found.identified is not None
    assert found.identified.track_id == "t03"
    assert "t03" not in {match.track_id for match in found.matches}
    asked = merge([looked(message, WHOLE, Shard(number, 3)) for number in (1, 2, 3)])
    assert isinstance(asked, Classified)
    assert asked.known is not None
    assert asked.known.identified == found.identified


def test_every_track_has_one_shard() -> None:
    shards = [Shard.parse(f"{number}/5") for number in range(1, 6)]
    for number in range(100):
        assert sum(shard.holds(f"track {number}") for shard in shards) == 1
    assert all(sum(shard.holds(f"track {number}") for number in range(100)) > 10 for shard in shards)
    assert Shard.parse("").holds("any")


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/", "/2", "a/b", "-1/2", "1/0"])
def test_a_shard_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=re.escape(repr(text))) as refused:
        Shard.parse(text)
    assert "NUMBER/COUNT" in refused.value.hint


def test_an_answer_without_a_shard_says_so_and_proves_nothing() -> None:
    message = classified(stranger(7), options=ClipOptions(k=24, artists="any"))
    some = [looked(message, WHOLE, Shard(number, 3)) for number in (1, 3)]
    assert not is_complete(some)
    found = merge(some)
    assert isinstance(found, Answer)
    assert found.search is not None
    assert (found.search.shards_missing, found.search.proven) == (1, False)
    missing = {track_id for track_id in WHOLE.infos if Shard(2, 3).holds(track_id)}
    assert {match.track_id for match in found.matches} == set(WHOLE.infos) - missing


def test_a_song_that_was_recognised_without_a_shard_stays_marked() -> None:
    message = classified(walk(3)[10:90])
    holds = [number for number in (1, 2, 3) if Shard(number, 3).holds("t03")]
    asked = merge([looked(message, WHOLE, Shard(number, 3)) for number in holds])
    assert isinstance(asked, Classified)
    found = merge([looked(asked, WHOLE, Shard(number, 3)) for number in (1, 2, 3)])
    assert isinstance(found, Answer)
    assert found.search is not None
    assert (found.search.shards_missing, found.search.proven) == (2, False)


def test_a_shard_that_answers_twice_counts_once() -> None:
    message = classified(stranger(7))
    first, second = (looked(message, WHOLE, Shard(number, 2)) for number in (1, 2))
    assert not is_complete([first, first])
    assert merge([first, first, second]) == merge([first, second])


def test_an_empty_shard_is_no_gap_and_an_empty_catalogue_is_one() -> None:
    message = classified(stranger(7))
    everything_first = [1] * 24
    assert same(divided(message, 2, everything_first)) == same(answer(message, WHOLE))
    empty = looked(message, WHOLE, Shard(2, 2), everything_first)
    with pytest.raises(EmptyCatalogueError):
        merge([empty, msgspec.structs.replace(empty, shard=1)])


def test_an_answer_names_the_state_that_all_shards_had_reached() -> None:
    message = classified(stranger(7))
    older, newer = (
        look(
            message,
            replace(part_of(WHOLE, Shard(number, 2)), catalogue_version=version),
            version=FEATURES,
            shortlist_size=200,
            shard=Shard(number, 2),
        )
        for number, version in ((1, 11), (2, 12))
    )
    found = merge([newer, older])
    assert isinstance(found, Answer)
    assert found.versions is not None
    assert found.versions.catalogue == 11


def test_attempts_and_questions_are_gathered_apart() -> None:
    message = classified(walk(3)[10:90])
    first = looked(message, WHOLE, Shard(1, 2))
    asked = merge([first, looked(message, WHOLE, Shard(2, 2))])
    assert isinstance(asked, Classified)
    again = msgspec.structs.replace(first, subject=msgspec.structs.replace(first.subject, attempt=2))
    questions = {question_of(first), question_of(looked(asked, WHOLE, Shard(1, 2))), question_of(again)}
    assert len(questions) == 3
    assert question_of(first) == question_of(looked(message, WHOLE, Shard(2, 2)))
