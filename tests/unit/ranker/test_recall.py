"""A track of the catalogue in the place of a clip."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.unit.ranker.test_rank import MOODS, TRACK_FRAMES, moods_of, snapshot, walk, with_copies
from tunekin.errors import NotFoundError, OptionError
from tunekin.features import FEATURES, frames_from_bytes
from tunekin.messages import Answer, ClipOptions, ClipSubject, TrackSelected
from tunekin.service import Service
from tunekin_ranker.adapters.memory_cache import MemoryCache
from tunekin_ranker.index import Index
from tunekin_ranker.index import Track as IndexTrack
from tunekin_ranker.rank import mood_answer
from tunekin_ranker.recall import recall
from tunekin_ranker.service import service
from tunekin_ranker.settings import RankerSettings
from tunekin_ranker.snapshot import Snapshot


def selected(track_id: str = "t03", *, start_s: float | None = None, duration_s: float | None = None) -> TrackSelected:
    subject = ClipSubject(clip_id="a#b", key="b", options=ClipOptions(start_s=start_s, duration_s=duration_s))
    return TrackSelected(subject=subject, track_id=track_id)


class Held:
    """Snapshots that stay as they are."""

    def __init__(self, held: Snapshot) -> None:
        self.held = held

    def current(self, model_version: str | None = None) -> Snapshot:
        return self.held

    def songs_elsewhere(self, track_ids):
        return {}

    def apply(self, change) -> None:
        raise AssertionError(change)


def ranker(held: Snapshot | None = None) -> Service:
    cache = MemoryCache(max_entries=9)
    return service(Held(held or snapshot()), cache, topics=("clips.classified",), settings=RankerSettings())


def ask(message: TrackSelected, held: Snapshot | None = None) -> Answer:
    (answer,) = ranker(held).handle(message)
    assert isinstance(answer, Answer)
    return answer


def test_the_songs_like_a_track_do_not_name_the_track_itself() -> None:
    answer = ask(selected())
    assert answer.identified is None
    assert len(answer.matches) == 5
    assert "t03" not in {match.track_id for match in answer.matches}
    assert answer.search.candidates == 11
    assert answer.search.proven


def test_the_mood_of_the_answer_is_the_tracks_own() -> None:
    own = mood_answer(tuple(moods_of(3).tolist()), MOODS)
    assert ask(selected()).mood == own
    # Another recording of it may have been judged otherwise.
    held = with_copies(snapshot())
    held = replace(held, infos={**held.infos, "zt03": held.infos["t04"]})
    found = ask(selected(), held)
    assert found.identified.track_id == "zt03"
    assert found.mood == own


def test_two_tracks_with_the_same_options_get_answers_of_their_own() -> None:
    handle = ranker().handle
    first, second = (next(iter(handle(selected(name)))) for name in ("t03", "t04"))
    assert first.matches != second.matches


def test_a_span_is_taken_from_the_frames_that_it_touches() -> None:
    begin_s = 40 * FEATURES.frame_s
    found = recall(selected(start_s=begin_s + 0.01, duration_s=2.0), snapshot(), version=FEATURES)
    frames = frames_from_bytes(found.frames)
    assert np.array_equal(frames, walk(3)[40 : 40 + len(frames)])
    assert found.subject.start_s == pytest.approx(begin_s)
    assert found.subject.duration_s == pytest.approx(len(frames) * FEATURES.frame_s)
    assert 2.0 <= found.subject.duration_s < 2.0 + FEATURES.frame_s


def test_without_a_span_the_most_typical_fifteen_seconds_are_taken() -> None:
    held = snapshot()
    index = Index.build([IndexTrack(track_id="long", frames=walk(77, 900))])
    found = recall(selected("long"), replace(held, index=index, infos={"long": held.infos["t03"]}), version=FEATURES)
    assert found.subject.duration_s == pytest.approx(15.0, abs=FEATURES.frame_s)


def test_a_span_behind_the_end_is_refused_with_the_tracks_length() -> None:
    with pytest.raises(OptionError, match=f"the track has {TRACK_FRAMES * FEATURES.frame_s:.1f} s"):
        ask(selected(start_s=600.0))


def test_an_unknown_track_is_refused_by_name() -> None:
    with pytest.raises(NotFoundError, match="no track 'nowhere'"):
        ask(selected("nowhere"))


def test_a_track_without_a_mood_is_refused() -> None:
    held = snapshot()
    unjudged = replace(held.infos["t03"], probabilities=np.empty(0, np.float32))
    with pytest.raises(NotFoundError, match="has no mood"):
        ask(selected(), replace(held, infos={**held.infos, "t03": unjudged}))


def test_an_answer_to_a_track_names_the_clip_that_asked() -> None:
    subject = ClipSubject(clip_id="x#1", key="1", attempt=2)
    answer = ask(msgspec.structs.replace(selected(), subject=subject))
    assert (answer.clip_id, answer.key, answer.attempt) == ("x#1", "1", 2)
