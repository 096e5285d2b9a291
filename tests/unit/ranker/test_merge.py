"""A divided catalogue answers as an undivided one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.ranker.test_rank import answer, classified, sight, snapshot, stranger, walk
from tunekin.errors import EmptyCatalogueError, OptionError
from tunekin.features import FEATURES
from tunekin.messages import Answer, Classified, ClipOptions, Filters, Known, Partial, Scored
from tunekin_ranker.index import Index
from tunekin_ranker.index import Track as IndexTrack
from tunekin_ranker.merge import is_complete, merge, question_of
from tunekin_ranker.rank import asked_songs, clip_of, look, mood_answer
from tunekin_ranker.shard import Shard
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.versions import are_versions

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
    songs = whole.songs(asked_songs(message))
    held = part_of(whole, shard, homes)
    return look(message, held, version=FEATURES, shortlist_size=200, shard=shard, songs=songs)


def divided(message: Classified, count: int, homes: Sequence[int] | None = None, whole: Snapshot = WHOLE) -> Answer:
    """Ask all shards, as often as the merge wants to."""
    outcome: Answer | Classified = message
    asked = set()
    while isinstance(outcome, Classified):
        partials = [looked(outcome, whole, Shard(number + 1, count), homes) for number in range(count)]
        assert is_complete(partials)
        (question,) = {question_of(partial) for partial in partials}
        assert question not in asked
        asked.add(question)
        outcome = merge(partials, frames=lambda track_id: whole.songs([track_id])[track_id].frames())
    return outcome


def same(answer: Answer) -> tuple[object, ...]:
    """All of an answer but how much work it was."""
    assert answer.search is not None
    facts = msgspec.structs.replace(answer.search, compared_in_full=0)
    return answer.mood, answer.identified, answer.matches, facts, answer.versions, answer.attempt, answer.key


@settings(max_examples=40, deadline=None)
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
        filters=st.sampled_from([Filters(), Filters(), Filters(moods=(1,)), Filters(moods=(0, 2))]),
    ),
    # The mood of the last is ambiguous, and of the two last it is not what the clips' probabilities say.
    frames=st.sampled_from(
        [stranger(7), stranger(8, frames=40), walk(3)[10:90], walk(17)[30:80], walk(17)[10:60], walk(7)[10:90]]
    ),
    ambiguous=st.booleans(),
    without=st.sampled_from([None, Known(exclude=("t03",)), Known(exclude=("t05", "t06"))]),
)
def test_however_a_catalogue_is_divided_the_answer_is_the_same(homes, options, frames, ambiguous, without) -> None:
    probabilities = (0.45, 0.4, 0.15) if ambiguous else (0.8, 0.15, 0.05)
    message = classified(frames, options=options, probabilities=probabilities)
    message = msgspec.structs.replace(message, known=without)
    found = divided(message, 4, homes)
    assert same(found) == same(answer(message, WHOLE))
    song = found.identified
    own = without is None and song is not None
    said = tuple(WHOLE.infos[song.track_id].probabilities.tolist()) if own else probabilities
    assert found.mood == mood_answer(said, WHOLE.moods)
    moods = {found.mood.id, found.mood.runner_up.id} if found.mood.ambiguous else {found.mood.id}
    moods = moods if options.scope == "mood" else {0, 1, 2}
    assert {match.mood for match in found.matches} <= moods & set(options.filters.moods or (0, 1, 2))


# --- versions ---


@dataclass(frozen=True)
class Made:
    """A track that is made of one recording, or of two that do not sound alike."""

    recording: int
    medley: bool
    artist: str | None
    home: int
    isrc: str = ""
    musicbrainz_id: str = ""

    def frames(self, number: int) -> NDArray[np.float16]:
        parts = [self.recording, self.recording ^ 1] if self.medley else [self.recording]
        frames = np.concatenate([walk(part) for part in parts])
        return (frames + np.random.default_rng([number, 5]).normal(0, 0.05, frames.shape)).astype(np.float16)

    def views(self, number: int) -> NDArray[np.float16]:
        """Views that are near for both recordings that a medley may have."""
        views = sight(self.recording // 2)
        views[: -len(FEATURES.views)] += np.random.default_rng([number, 6]).normal(
            0, 0.05, FEATURES.views_size - len(FEATURES.views)
        )
        return views


MADE = st.builds(
    Made,
    recording=st.integers(0, 3),
    medley=st.booleans(),
    artist=st.sampled_from(["somebody", "various", "another", None]),
    home=st.integers(1, 3),
    isrc=st.sampled_from(["", "", "", "KRA381701234"]),
)
# Two names make versions of versions that are no versions, as medleys do, and take no time to be compared.
NAMED = st.tuples(
    st.sampled_from(["somebody", "various", "another", None]),
    st.integers(1, 3),
    st.sampled_from(["", "", "A", "B", "C"]),
    st.sampled_from(["", "", "1", "2", "3"]),
)


def catalogue_of(made: Sequence[Made]) -> Snapshot:
    tracks = [
        IndexTrack(
            track_id=f"t{number:02d}",
            frames=one.frames(number),
            views=one.views(number),
            group=one.artist,
            mood=number % 3,
        )
        for number, one in enumerate(made)
    ]
    infos = {
        track.track_id: replace(WHOLE.infos[track.track_id], isrc=one.isrc, musicbrainz_id=one.musicbrainz_id)
        for track, one in zip(tracks, made, strict=True)
    }
    return replace(WHOLE, index=Index.build(tracks), infos=infos)


def one_by_one(message: Classified, whole: Snapshot) -> list[str]:
    """The list, by going through all tracks from the best on."""
    options = clip_of(message).options
    everything = msgspec.structs.replace(options, k=100, artists="any", versions="any")
    subject = msgspec.structs.replace(clip_of(message), options=everything)
    songs = whole.songs(whole.infos)
    known = message.known.exclude if message.known else ()
    kept: list[str] = []
    artists: set[str] = set()
    for match in answer(msgspec.structs.replace(message, subject=subject), whole).matches:
        artist = whole.index.groups[whole.index.slot_of(match.track_id) or 0]
        repeated = any(
            are_versions(songs[match.track_id], songs[before]) for before in (*known, *options.dislikes, *kept)
        )
        if repeated or (options.artists == "one" and artist in artists):
            continue
        kept.append(match.track_id)
        artists.update(() if artist is None else (artist,))
    return kept[: options.k]


IDS = [f"t{number:02d}" for number in range(12)]
SOME = st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple)


OPTIONS = st.builds(
    ClipOptions, k=st.sampled_from([1, 2, 3, 5, 12]), artists=st.sampled_from(["one", "any"]), likes=SOME
)


def hold_against_going_through(made, options, dislikes, known, views) -> None:
    whole = catalogue_of(made)
    options = msgspec.structs.replace(options, dislikes=tuple(set(dislikes) - set(options.likes)))
    message = classified(stranger(77), options=options, views=sight(views))
    message = msgspec.structs.replace(message, known=Known(exclude=known) if known else None)
    undivided = answer(message, whole)
    assert [match.track_id for match in undivided.matches] == one_by_one(message, whole)
    assert same(divided(message, 3, [one.home for one in made], whole)) == same(undivided)


@settings(max_examples=30, deadline=None)
@given(
    made=st.lists(MADE, min_size=12, max_size=12), options=OPTIONS, dislikes=SOME, known=SOME, views=st.integers(0, 9)
)
def test_versions_are_told_by_sound_as_if_all_tracks_were_gone_through_however_they_are_divided(
    made, options, dislikes, known, views
) -> None:
    hold_against_going_through(made, options, dislikes, known, views)


@settings(max_examples=100, deadline=None)
@given(
    names=st.lists(NAMED, min_size=12, max_size=12),
    options=OPTIONS,
    dislikes=SOME,
    known=SOME,
    views=st.integers(100, 109),
)
def test_versions_of_versions_are_told_as_if_all_tracks_were_gone_through_however_they_are_divided(
    names, options, dislikes, known, views
) -> None:
    made = [
        Made(recording=2 * number, medley=False, artist=artist, home=home, isrc=isrc, musicbrainz_id=musicbrainz_id)
        for number, (artist, home, isrc, musicbrainz_id) in enumerate(names)
    ]
    hold_against_going_through(made, options, dislikes, known, views)


@settings(max_examples=10, deadline=None)
@given(made=st.lists(MADE, min_size=12, max_size=12), recording=st.integers(0, 3))
def test_no_version_of_a_recognised_song_is_in_the_list_whichever_shard_holds_it(made, recording) -> None:
    whole = catalogue_of(made)
    message = classified(walk(recording)[20:100], options=ClipOptions(artists="any"))
    assert same(divided(message, 3, [one.home for one in made], whole)) == same(answer(message, whole))


def test_what_was_left_out_for_a_hit_that_is_left_out_comes_back() -> None:
    held = snapshot(5, artists=5)
    everything = ClipOptions(k=5, artists="any", versions="any")
    order = [match.track_id for match in answer(classified(stranger(77), options=everything), held).matches]
    # Of the second track's artist the third one has the place then, and so the fourth has none, and the last has one.
    said = [("a", "A", ""), ("b", "A", ""), ("b", "", "1"), ("c", "C", "1"), ("d", "C", "")]
    tracks, infos = [], {}
    for track_id, (artist, isrc, musicbrainz_id) in zip(order, said, strict=True):
        tracks.append(replace(held.index.track_at(held.index.slot_of(track_id) or 0), group=artist))
        infos[track_id] = replace(held.infos[track_id], isrc=isrc, musicbrainz_id=musicbrainz_id)
    held = replace(held, index=Index.build(tracks), infos=infos)
    message = classified(stranger(77))
    wanted = [order[0], order[2], order[4]]
    assert [match.track_id for match in answer(message, held).matches] == wanted == one_by_one(message, held)


def say(shard: int, *found: Scored, repeats: Sequence[Scored] = (), k: int, repeated: Known | None = None) -> Partial:
    """What one of two shards says, of matches in order."""
    message = classified(stranger(77), options=ClipOptions(k=k))
    return msgspec.structs.replace(
        looked(message, WHOLE, Shard(shard, 2)), matches=found, repeats=tuple(repeats), known=repeated
    )


def track(name: str, score: float, *names: str, artist: str | None = None, version_of: str | None = None) -> Scored:
    match = msgspec.structs.replace(answer(classified(stranger(7))).matches[0], track_id=name)
    return Scored(match=match, score=score, group=artist, recordings=names, version_of=version_of)


def merged(*partials: Partial) -> list[str] | dict[str, str]:
    """The list, or what is to be left out."""
    outcome = merge(partials)
    if isinstance(outcome, Answer):
        assert outcome.search is not None
        assert outcome.search.proven
        return [match.track_id for match in outcome.matches]
    assert outcome.known is not None
    return dict(outcome.known.repeats)


def test_what_a_shard_left_out_for_a_match_that_has_no_place_has_one_and_is_compared_with_the_others() -> None:
    first = say(1, track("v", 1, "A"), k=4)
    second = say(2, track("w", 2, "A", "B"), track("y", 4, "C"), repeats=[track("x", 3, "B", "C", version_of="w")], k=4)
    assert merged(first, second) == ["v", "x"]


def test_another_track_of_its_artist_may_be_missing_anywhere_behind_a_version() -> None:
    first = say(1, track("a", 1, "A", artist="somebody"), k=2)
    version, behind = track("b", 2, "A", artist="various"), track("c", 3, artist="another")
    assert merged(first, say(2, version, behind, k=2)) == {"b": "a"}
    assert merged(first, say(2, track("b", 4, "A", artist="various"), behind, k=2)) == ["a", "c"]


def test_without_an_artist_something_may_be_missing_only_behind_a_full_list() -> None:
    first = say(1, track("a", 1, "A"), track("z", 9), k=2)
    assert merged(first, say(2, track("b", 2, "A"), track("c", 3), k=2)) == ["a", "c"]
    assert merged(first, say(2, track("b", 2, "A"), track("c", 3, "A"), k=2)) == {"b": "a", "c": "a"}
    assert merged(first, say(2, track("b", 2, "A"), k=2)) == ["a", "z"], "the shard has no more"


def test_what_the_merge_left_out_comes_back_once_its_match_has_no_place() -> None:
    known = Known(exclude=(), repeats=(("x", "w"), ("y", "v")))
    first, second = say(1, track("v", 1), k=2, repeated=known), say(2, track("u", 2), k=2, repeated=known)
    assert merged(first, second) == {"y": "v"}


def two_shards(*made: Made) -> tuple[Snapshot, list[int]]:
    return catalogue_of(made), [one.home for one in made]


def test_a_version_that_another_shard_holds_leaves_its_place_to_another_song_of_its_artist() -> None:
    song = Made(recording=0, medley=False, artist="somebody", home=1, isrc="")
    again = replace(song, artist="various", home=2)
    # That of the other shard is less like the clip.
    whole, homes = two_shards(again, song, replace(again, recording=2))
    message = classified(stranger(77), views=sight(0))
    partials = [looked(message, whole, Shard(number, 2), homes) for number in (1, 2)]
    asked = merge(partials, frames=lambda track_id: whole.songs([track_id])[track_id].frames())
    assert isinstance(asked, Classified)
    assert asked.known is not None
    assert {frozenset(pair) for pair in asked.known.repeats} == {frozenset({"t00", "t01"})}
    found = divided(message, 2, homes, whole)
    assert len(found.matches) == 2
    assert found.search is not None
    assert found.search.proven
    # While a shard is missing nobody is asked again.
    alone = merge([msgspec.structs.replace(one, shards=3) for one in partials], frames=lambda _: walk(0))
    assert isinstance(alone, Answer)
    assert len(alone.matches) == 1
    assert alone.search is not None
    assert not alone.search.proven


def test_the_same_question_is_not_asked_twice() -> None:
    """Of a ranker that is older than the question."""
    song = Made(recording=0, medley=False, artist="somebody", home=1, isrc="")
    whole, homes = two_shards(song, replace(song, artist="various", home=2))
    message = classified(stranger(77), views=sight(0))
    partials = [looked(message, whole, Shard(number, 2), homes) for number in (1, 2)]
    asked = merge(partials, frames=lambda _: walk(0))
    assert isinstance(asked, Classified)
    found = merge([msgspec.structs.replace(one, known=asked.known) for one in partials], frames=lambda _: walk(0))
    assert isinstance(found, Answer)
    assert len(found.matches) == 1


def test_frames_are_read_of_near_songs_of_different_shards_only() -> None:
    song = Made(recording=0, medley=False, artist=None, home=1, isrc="")
    # Near each other, and no versions.
    other = replace(song, recording=1)
    whole, _ = two_shards(song, other, replace(song, recording=2))
    message = classified(stranger(77), views=sight(0))

    def read(*homes: int) -> set[str]:
        asked: set[str] = set()

        def frames(track_id: str) -> NDArray[np.floating] | None:
            asked.add(track_id)
            return whole.songs([track_id])[track_id].frames()

        merge([looked(message, whole, Shard(number, 2), homes) for number in (1, 2)], frames=frames)
        return asked

    assert read(1, 1, 2) == set()
    assert read(1, 2, 2) == {"t00", "t01"}


# --- more than one look ---


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


def test_the_mood_of_a_recognised_song_is_that_of_its_nearest_recording_whichever_shard_holds_it() -> None:
    message = classified(walk(17)[10:90])
    partials = [looked(message, WHOLE, Shard(number, 3)) for number in (1, 2, 3)]
    (holder,) = (number for number, partial in enumerate(partials) if partial.recordings)
    (song,) = partials[holder].recordings
    assert song.probabilities == tuple(WHOLE.infos["t17"].probabilities.tolist())
    farther = msgspec.structs.replace(
        song, match=msgspec.structs.replace(song.match, track_id="t00", distance=0.01), probabilities=(1.0, 0.0, 0.0)
    )
    other = (holder + 1) % 3
    partials[other] = msgspec.structs.replace(partials[other], recordings=(farther,))
    asked = merge(partials)
    assert isinstance(asked, Classified)
    assert asked.probabilities == song.probabilities
    # Rankers of an earlier version do not say it.
    untold = msgspec.structs.replace(song, probabilities=())
    asked = merge([msgspec.structs.replace(one, recordings=(untold,)) for one in partials])
    assert isinstance(asked, Classified)
    assert asked.probabilities == message.probabilities


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
