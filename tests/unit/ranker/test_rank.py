"""From a classified clip and a snapshot to an answer."""

import dataclasses
from collections.abc import Collection
from typing import Literal

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tunekin.errors import EmptyCatalogueError, MessageError, OptionError
from tunekin.features import FEATURES, frames_to_bytes, views_to_bytes
from tunekin.messages import (
    Answer,
    CatalogueChange,
    Classified,
    ClipOptions,
    ClipSubject,
    Filters,
    Known,
    Label,
    Partial,
    Track,
    TrackSubject,
)
from tunekin_ranker.adapters.memory_cache import MemoryCache
from tunekin_ranker.index import Index
from tunekin_ranker.index import Track as IndexTrack
from tunekin_ranker.metrics import RankerMetrics
from tunekin_ranker.rank import look, mood_answer, rank
from tunekin_ranker.service import service
from tunekin_ranker.settings import RankerSettings
from tunekin_ranker.shadow import differs, recall5
from tunekin_ranker.shard import WHOLE
from tunekin_ranker.snapshot import Snapshot, TrackInfo
from tunekin_ranker.taste import Song
from tunekin_ranker.watched import WatchedSnapshots
from tunekin_ranker.words import vocabulary

MOODS = (Label(ko="춤", en="dancing"), Label(ko="비", en="rain"), Label(ko="꿈", en="dreaming"))
TRACK_FRAMES = 120


def walk(seed: int, frames: int = TRACK_FRAMES) -> NDArray[np.float16]:
    """A sequence of words that are held for a while, as music is."""
    chance = np.random.default_rng(seed)
    words = vocabulary()
    held = np.repeat(chance.integers(len(words), size=frames // 4 + 1), 4)[:frames]
    return (words[held] + chance.normal(0, 0.1, (frames, FEATURES.n_mfcc))).astype(np.float16)


def sight(seed: int) -> NDArray[np.float16]:
    """Views, with reaches above 0."""
    views = np.random.default_rng([seed, 1]).normal(size=FEATURES.views_size)
    views[-len(FEATURES.views) :] = 1.0
    return views.astype(np.float16)


def moods_of(number: int) -> NDArray[np.float32]:
    """A track's probabilities, no two tracks' alike; of some the two best are close."""
    best = 0.45 + 0.5 * (number * 7 % 24) / 24
    return np.roll(np.array([best, 0.75 * (1 - best), 0.25 * (1 - best)], np.float32), number % 3)


def snapshot(count: int = 12, *, artists: int = 6, version: int = 7) -> Snapshot:
    names = [f"t{number:02d}" for number in range(count)]
    return Snapshot(
        index=Index.build(
            IndexTrack(
                track_id=name,
                frames=walk(number),
                views=sight(number),
                group=f"artist {number % artists}",
                mood=number % 3,
            )
            for number, name in enumerate(names)
        ),
        infos={
            name: TrackInfo(
                title=f"song {name}",
                artist=f"artist {number % artists}",
                album="",
                duration_s=TRACK_FRAMES * FEATURES.frame_s,
                probabilities=moods_of(number),
            )
            for number, name in enumerate(names)
        },
        moods=MOODS,
        feature_version=FEATURES.name,
        model_version="m1",
        catalogue_version=version,
    )


def classified(
    frames: NDArray[np.float16],
    *,
    probabilities: tuple[float, ...] = (0.8, 0.15, 0.05),
    start_s: float = 0.0,
    options: ClipOptions | None = None,
    clip_id: str = "a#b",
    views: NDArray[np.float16] | None = None,
) -> Classified:
    subject = ClipSubject(
        clip_id=clip_id,
        key=clip_id.partition("#")[2],
        sha256="5" * 64,
        options=options or ClipOptions(),
        start_s=start_s,
        duration_s=len(frames) * FEATURES.frame_s,
    )
    return Classified(
        subject=subject,
        feature_version=FEATURES.name,
        frames=frames_to_bytes(frames),
        summary=(0.0,) * FEATURES.summary_size,
        model_version="m1",
        probabilities=probabilities,
        views=views_to_bytes(sight(99) if views is None else views),
    )


def answer(message: Classified, held: Snapshot | None = None) -> Answer:
    return rank(lambda asked: found(asked, held), message)


def found(message: Classified, held: Snapshot | None = None) -> Partial:
    return look(message, held or snapshot(), version=FEATURES, shortlist_size=200)


def stranger(seed: int = 99, frames: int = 64) -> NDArray[np.float16]:
    return walk(seed, frames)


def test_the_matches_come_best_first_and_one_an_artist() -> None:
    matches = answer(classified(stranger())).matches
    assert len(matches) == 5
    assert [match.similarity for match in matches] == sorted((match.similarity for match in matches), reverse=True)
    assert len({match.artist for match in matches}) == 5


def test_an_artist_may_have_several_places_where_that_is_asked_for() -> None:
    several = answer(classified(stranger(), options=ClipOptions(k=12, artists="any"))).matches
    assert len(several) == 12
    assert len({match.artist for match in several}) == 6


def with_copies(held: Snapshot) -> Snapshot:
    """The snapshot with each song once more, by an artist of its own."""
    copies = []
    for slot in range(len(held.index)):
        track = held.index.track_at(slot)
        copies.append(dataclasses.replace(track, track_id=f"z{track.track_id}", group=f"various {slot}"))
    infos = {copy.track_id: held.infos[copy.track_id[1:]] for copy in copies}
    return dataclasses.replace(held, index=held.index.with_changes(upserts=copies), infos={**held.infos, **infos})


def test_versions_of_a_recording_share_one_place_and_others_take_theirs() -> None:
    plain = answer(classified(stranger(), options=ClipOptions(artists="any")))
    found = answer(classified(stranger(), options=ClipOptions(artists="any")), with_copies(snapshot()))
    assert [match.track_id.lstrip("z") for match in found.matches] == [match.track_id for match in plain.matches]
    assert found.search is not None
    assert (found.search.candidates, found.search.proven) == (24, True)


def test_all_versions_are_there_where_that_is_asked_for() -> None:
    options = ClipOptions(k=24, artists="any", versions="any")
    assert len(answer(classified(stranger(), options=options), with_copies(snapshot())).matches) == 24


def test_no_version_of_the_very_song_is_among_the_songs_like_it() -> None:
    found = answer(classified(walk(3)[40:100], options=ClipOptions(k=20, artists="any")), with_copies(snapshot()))
    assert found.identified is not None
    assert {"t03", "zt03"}.isdisjoint(match.track_id for match in found.matches)
    assert len(found.matches) == 11


def test_the_answer_says_how_it_was_found_and_from_what() -> None:
    facts = answer(classified(stranger()))
    assert facts.search is not None
    assert (facts.search.mode, facts.search.scope, facts.search.candidates) == ("certified", "all", 12)
    assert facts.search.proven
    assert facts.versions is not None
    assert msgspec.to_builtins(facts.versions) == {"features": FEATURES.name, "model": "m1", "catalogue": 7}


def test_a_cut_of_a_song_is_identified_with_its_moment_and_takes_no_place_among_the_matches() -> None:
    found = answer(classified(walk(3)[40:100]))
    assert found.identified is not None
    assert found.identified.track_id == "t03"
    assert found.identified.distance == 0
    assert found.identified.track_span_s == pytest.approx((40 * FEATURES.frame_s, 100 * FEATURES.frame_s), abs=1e-3)
    assert "t03" not in {match.track_id for match in found.matches}
    assert len(found.matches) == 5


def test_a_stranger_is_not_identified() -> None:
    assert answer(classified(stranger())).identified is None


def test_a_recognised_song_says_its_own_mood() -> None:
    held = snapshot()
    found = answer(classified(walk(5)[40:100], probabilities=(0.8, 0.15, 0.05)), held)
    assert found.mood == mood_answer(tuple(held.infos["t05"].probabilities.tolist()), MOODS)
    assert found.mood.id == 2
    # Nothing else says it.
    assert answer(classified(stranger(), probabilities=(0.8, 0.15, 0.05)), held).mood.id == 0


@pytest.mark.parametrize(("number", "moods"), [(5, {2}), (7, {1, 2})])
def test_with_the_scope_of_a_mood_songs_like_a_recognised_one_are_of_its_mood(number: int, moods: set[int]) -> None:
    options = ClipOptions(scope="mood", k=12, artists="any")
    found = answer(classified(walk(number)[40:100], probabilities=(0.8, 0.15, 0.05), options=options))
    assert found.identified is not None
    assert found.identified.track_id == f"t{number:02d}"
    assert {match.mood for match in found.matches} == moods
    assert len(found.matches) == 4 * len(moods) - 1
    assert found.search is not None
    assert (found.search.candidates, found.search.proven) == (len(found.matches), True)
    assert found.search.compared_in_full <= found.search.candidates


def test_a_recognised_song_that_no_model_has_judged_leaves_the_clips_mood() -> None:
    held = snapshot()
    unjudged = dataclasses.replace(held.infos["t05"], probabilities=np.empty(0, np.float32))
    found = answer(classified(walk(5)[40:100]), dataclasses.replace(held, infos={**held.infos, "t05": unjudged}))
    assert found.identified is not None
    assert found.mood == mood_answer((0.8, 0.15, 0.05), MOODS)


@pytest.mark.parametrize("mode", ["certified", "shortlist"])
def test_a_song_that_the_filters_leave_out_is_recognised_and_the_list_keeps_to_them(mode: Literal["certified"]) -> None:
    options = ClipOptions(mode=mode, filters=Filters(moods=(1,)), k=12, artists="any")
    found = answer(classified(walk(3)[40:100], options=options))
    assert found.identified is not None
    assert (found.identified.track_id, found.identified.mood) == ("t03", 0)
    assert {match.track_id for match in found.matches} == {"t01", "t04", "t07", "t10"}
    assert found.search is not None
    assert (found.search.candidates, found.search.proven) == (4, True)


def test_brute_force_recognises_a_song_that_the_filters_leave_out() -> None:
    message = classified(walk(3)[40:100], options=ClipOptions(filters=Filters(moods=(1,))))
    brute = look(message, snapshot(), version=FEATURES, shortlist_size=200, brute=True)
    assert [recording.match.track_id for recording in brute.recordings] == ["t03"]
    assert not differs(found(message), brute)


def test_the_clips_span_counts_from_the_beginning_of_what_was_sent() -> None:
    match = answer(classified(stranger(), start_s=30.0)).matches[0]
    assert match.clip_span_s == pytest.approx((30.0, 30.0 + 64 * FEATURES.frame_s), abs=1e-3)


def test_of_a_long_query_a_representative_part_is_compared_and_stated() -> None:
    frames = walk(50, 1_000)
    begin_s, end_s = answer(classified(frames)).matches[0].clip_span_s
    assert end_s - begin_s == pytest.approx(15.0, abs=FEATURES.frame_s)
    assert 0 <= begin_s < end_s <= 1_000 * FEATURES.frame_s


def test_the_scope_of_a_mood_keeps_to_it() -> None:
    found = answer(classified(stranger(), options=ClipOptions(scope="mood")))
    assert {match.mood for match in found.matches} == {0}
    assert found.search is not None
    assert found.search.candidates == 4


def test_filters_keep_to_the_songs_that_pass_and_the_answer_stays_proven() -> None:
    found = answer(classified(stranger(), options=ClipOptions(filters=Filters(moods=(1, 2)))))
    assert {match.mood for match in found.matches} == {1, 2}
    assert found.search is not None
    assert (found.search.candidates, found.search.proven) == (8, True)


def test_a_mood_that_there_is_not_is_refused() -> None:
    with pytest.raises(OptionError, match="there is no mood 3") as caught:
        answer(classified(stranger(), options=ClipOptions(filters=Filters(moods=(3,)))))
    assert "0 to 2" in caught.value.hint


def test_an_ambiguous_mood_lets_the_runner_up_in() -> None:
    message = classified(stranger(), probabilities=(0.5, 0.45, 0.05), options=ClipOptions(scope="mood"))
    found = answer(message)
    assert found.mood is not None
    assert found.mood.ambiguous
    assert {match.mood for match in found.matches} == {0, 1}


def test_the_mood_is_said_in_words_with_its_runner_up() -> None:
    mood = answer(classified(stranger())).mood
    assert mood is not None
    assert (mood.id, mood.label.ko, mood.probability, mood.ambiguous) == (0, "춤", 0.8, False)
    assert mood.runner_up is not None
    assert (mood.runner_up.id, mood.runner_up.label.en) == (1, "rain")


def test_more_matches_than_songs_gives_what_there_is() -> None:
    found = answer(classified(stranger(), options=ClipOptions(k=100)))
    assert len(found.matches) == 6, "one an artist"


def test_a_catalogue_without_songs_says_so() -> None:
    with pytest.raises(EmptyCatalogueError) as caught:
        answer(classified(stranger()), snapshot(0))
    assert "tunekin catalog add" in caught.value.hint


@pytest.mark.parametrize("field", ["feature_version", "model_version"])
def test_vectors_of_two_versions_never_meet(field: str) -> None:
    message = msgspec.structs.replace(classified(stranger()), **{field: "other"})
    with pytest.raises(MessageError, match="'other'"):
        answer(message)


def test_similarity_falls_as_distance_grows() -> None:
    matches = answer(classified(stranger())).matches
    assert all(0 <= match.similarity <= 1 for match in matches)
    assert [match.similarity for match in matches] == sorted((match.similarity for match in matches), reverse=True)


class Held:
    """Snapshots that a test sets."""

    def __init__(self, now: Snapshot) -> None:
        self.now = now
        self.applied: list[CatalogueChange] = []

    def current(self, model_version: str | None = None) -> Snapshot:
        return self.now

    def songs_elsewhere(self, track_ids: Collection[str]) -> dict[str, Song]:
        return {}

    def apply(self, change: CatalogueChange) -> None:
        self.applied.append(change)


class CountingCache(MemoryCache):
    """Counts what it could answer."""

    hits = 0

    def get(self, key: str) -> bytes | None:
        value = super().get(key)
        self.hits += value is not None
        return value


def test_a_clip_asked_twice_is_answered_from_the_cache_under_its_own_name() -> None:
    cache = CountingCache(max_entries=10)
    handle = service(Held(snapshot()), cache, topics=("clips.classified",), settings=RankerSettings()).handle
    (first,) = handle(classified(stranger(), clip_id="a#1"))
    (second,) = handle(classified(stranger(), clip_id="a#2"))
    assert cache.hits == 1
    assert isinstance(second, Answer)
    assert (second.clip_id, second.key) == ("a#2", "2")
    assert msgspec.structs.replace(second, clip_id="a#1", key="1") == first


@pytest.mark.parametrize(
    "options",
    [
        ClipOptions(filters=Filters(tempo_bpm=(90, None))),
        ClipOptions(k=3),
        ClipOptions(scope="mood"),
        ClipOptions(mode="shortlist"),
        ClipOptions(start_s=1.0),
        ClipOptions(likes=("t01",)),
        ClipOptions(dislikes=("t01",)),
        ClipOptions(versions="any"),
    ],
)
def test_other_options_are_another_answer(options: ClipOptions) -> None:
    cache = CountingCache(max_entries=10)
    handle = service(Held(snapshot()), cache, topics=("clips.classified",), settings=RankerSettings()).handle
    list(handle(classified(stranger())))
    list(handle(classified(stranger(), options=options)))
    assert cache.hits == 0


def test_a_song_whose_mood_another_shard_says_otherwise_is_another_question() -> None:
    cache = CountingCache(max_entries=10)
    settings = RankerSettings(shard="1/2")
    handle = service(Held(snapshot()), cache, topics=("clips.classified",), settings=settings).handle
    asked = msgspec.structs.replace(classified(stranger()), known=Known(exclude=("elsewhere",)))
    for probabilities in ((0.8, 0.15, 0.05), (0.1, 0.85, 0.05)):
        (partial,) = handle(msgspec.structs.replace(asked, probabilities=probabilities))
        assert isinstance(partial, Partial)
        assert partial.mood.id == int(np.argmax(probabilities))
    assert cache.hits == 0


def test_after_a_change_of_the_catalogue_nothing_stale_is_answered() -> None:
    cache = CountingCache(max_entries=10)
    held = Held(snapshot(version=7))
    handle = service(held, cache, topics=("clips.classified",), settings=RankerSettings()).handle
    list(handle(classified(stranger())))
    held.now = snapshot(13, version=8)
    (later,) = handle(classified(stranger()))
    assert cache.hits == 0
    assert isinstance(later, Answer)
    assert later.versions is not None
    assert later.versions.catalogue == 8


def test_without_a_cache_the_answer_is_the_same() -> None:
    settings = RankerSettings()
    answers = []
    for entries in (0, 10):
        handle = service(
            Held(snapshot()), MemoryCache(max_entries=entries), topics=("clips.classified",), settings=settings
        ).handle
        list(handle(classified(stranger())))
        answers.append(list(handle(classified(stranger()))))
    assert answers[0] == answers[1]


def test_a_track_on_the_clips_lane_is_a_defect() -> None:
    ranker = service(
        Held(snapshot()), MemoryCache(max_entries=1), topics=("clips.classified",), settings=RankerSettings()
    )
    message = msgspec.structs.replace(classified(stranger()), subject=TrackSubject(track=Track(track_id="t")))
    with pytest.raises(TypeError, match="a track on its way to the ranker"):
        list(ranker.handle(message))


def test_the_least_recently_used_entry_goes_first() -> None:
    cache = MemoryCache(max_entries=2)
    cache.set("a", b"1")
    cache.set("b", b"2")
    cache.get("a")
    cache.set("c", b"3")
    assert [cache.get(key) for key in "abc"] == [b"1", None, b"3"]


class Counted:
    """A ranker whose metrics a test can read."""

    def __init__(self, *, held: Snapshot | None = None, shadow_every: int = 0) -> None:
        self.registry = CollectorRegistry()
        self.handle = service(
            Held(held or snapshot()),
            MemoryCache(max_entries=10),
            topics=("clips.classified",),
            settings=RankerSettings(shadow_every=shadow_every),
            metrics=RankerMetrics(self.registry),
        ).handle

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def test_searches_and_the_caches_hits_are_counted() -> None:
    ranker = Counted()
    for clip_id in ("a#1", "a#2"):
        list(ranker.handle(classified(stranger(), clip_id=clip_id)))
    list(ranker.handle(classified(stranger(), options=ClipOptions(mode="shortlist"))))
    assert ranker.value("tunekin_searches_total", mode="certified", proven="true") == 1
    assert ranker.value("tunekin_search_candidates_total", mode="certified") == 12
    assert ranker.value("tunekin_search_compared_in_full_total", mode="shortlist") == 12
    assert ranker.value("tunekin_search_compared_ratio_count", mode="certified") == 1
    assert [ranker.value("tunekin_cache_requests_total", result=result) for result in ("hit", "miss")] == [1, 2]


def test_it_is_told_which_state_of_the_catalogue_answers_are_made_from() -> None:
    registry = CollectorRegistry()
    held = Held(snapshot(12, version=7))
    watched = WatchedSnapshots(held, metrics=RankerMetrics(registry), shard=WHOLE)
    assert watched.current() is held.current()

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"tunekin_index_{name}", labels)

    assert (told("tracks"), told("catalogue_version")) == (12, 7)
    labels = {"feature_version": FEATURES.name, "model_version": held.current().model_version, "shard": "1-of-1"}
    assert told("info", **labels) == 1
    first = told("updated_timestamp_seconds")
    watched.current()
    assert told("updated_timestamp_seconds") == first
    held.now = snapshot(13, version=8)
    watched.apply(CatalogueChange(track_id="t", change="upserted", catalogue_version=8))
    assert (told("tracks"), told("catalogue_version")) == (13, 8)


def test_one_query_in_so_many_is_confirmed_by_brute_force() -> None:
    ranker = Counted(shadow_every=2)
    with capture_logs() as logs:
        for seed in range(5):
            list(ranker.handle(classified(stranger(200 + seed, frames=60 + seed), options=ClipOptions(start_s=seed))))
    assert logs == []
    assert ranker.value("tunekin_shadow_recall_ratio_count", mode="certified") == 3
    assert ranker.value("tunekin_shadow_recall_ratio_sum", mode="certified") == 3
    assert ranker.value("tunekin_shadow_differences_total") == 0


def test_a_proof_that_brute_force_does_not_confirm_is_counted_and_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    # Floors that are none: every track seems to be far away.
    monkeypatch.setattr(Index, "sketch_floors", lambda *arguments, **_: np.full(arguments[2].size, 1e9))
    ranker = Counted(held=snapshot(80, artists=40), shadow_every=1)
    with capture_logs() as logs:
        for seed in range(6):
            # By alignment alone, or the views' order would be right without any floor.
            options = ClipOptions(k=20, start_s=seed, weights=tuple((name, 0.0) for name, _ in FEATURES.views))
            list(ranker.handle(classified(stranger(300 + seed), options=options)))
    assert ranker.value("tunekin_shadow_differences_total") > 0
    assert {event["event"] for event in logs} == {"search.not_confirmed"}


def test_recall_counts_the_five_best_whatever_their_order() -> None:
    brute = found(classified(stranger()))
    assert recall5(brute, brute) == 1
    assert recall5(msgspec.structs.replace(brute, matches=brute.matches[::-1]), brute) == 1
    assert recall5(msgspec.structs.replace(brute, matches=brute.matches[2:]), brute) == pytest.approx(0.6)
    nothing = msgspec.structs.replace(brute, matches=())
    assert recall5(nothing, nothing) == 1


def test_a_query_that_fails_lets_the_next_one_try() -> None:
    left = []

    class Leaving(MemoryCache):
        def leave(self, key: str) -> None:
            left.append(key)

    held = Held(snapshot(0))
    handle = service(held, Leaving(max_entries=10), topics=("clips.classified",), settings=RankerSettings()).handle
    with pytest.raises(EmptyCatalogueError):
        list(handle(classified(stranger())))
    assert len(left) == 1
