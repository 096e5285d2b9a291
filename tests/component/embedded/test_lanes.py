"""The embedded pipeline, all services and all: sound files in, answers out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.component.embedded.sounds import write_wav
from tunekin.errors import DependencyError
from tunekin.features import FEATURES
from tunekin.messages import Answer, ClipOptions, Filters, Track, TrackOutcome
from tunekin_demo import bad_microphone
from tunekin_demo.compose import Piece, catalogue, render, write_catalogue
from tunekin_embedded import track_lane
from tunekin_embedded.clip_lane import ClipLane
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find, track_id
from tunekin_embedded.track_lane import load

RATE = FEATURES.sample_rate_hz


@pytest.fixture(scope="module")
def pieces() -> list[Piece]:
    """Ten pieces by different artists where possible."""
    by_artist = {piece.artist: piece for piece in catalogue()}
    return list(by_artist.values())[:10]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory, pieces: list[Piece]) -> Path:
    folder = tmp_path_factory.mktemp("music")
    assert len(list(write_catalogue(folder, pieces=pieces))) == len(pieces)
    return folder


@pytest.fixture(scope="module")
def settings() -> EmbeddedSettings:
    return EmbeddedSettings.read()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, music: Path, settings: EmbeddedSettings) -> Iterator[Parts]:
    """A catalogue of the ten pieces."""
    with Parts(Home(tmp_path_factory.mktemp("home")).prepare(), settings=settings) as parts:
        outcomes = list(load(parts, find(music)))
        assert {outcome.status for outcome in outcomes} == {"added"}
        yield parts


@pytest.fixture(scope="module")
def lane(parts: Parts) -> Iterator[ClipLane]:
    lane = ClipLane(parts)
    yield lane
    lane.close()


@pytest.fixture
def empty(tmp_path: Path, settings: EmbeddedSettings) -> Iterator[Parts]:
    """A catalogue with nothing in it."""
    with Parts(Home(tmp_path / "home").prepare(), settings=settings) as parts:
        yield parts


def recording(piece: Piece, *, start_s: float = 12.0, duration_s: float = 6.0) -> bytes:
    heard = bad_microphone.cut(render(piece), start_s=start_s, duration_s=duration_s, sample_rate_hz=RATE)
    noisy = bad_microphone.add_noise(heard, snr_db=20.0, seed=3)
    return bad_microphone.encode(noisy, sample_rate_hz=RATE, codec="mp3", bitrate_bps=64_000)


def ask(lane: ClipLane, data: bytes, **options: object) -> Answer:
    return lane.answer(data, options=ClipOptions(**options))  # type: ignore[arg-type]


def test_a_load_stores_every_song_with_its_tags(parts: Parts, pieces: list[Piece]) -> None:
    held = {(track.artist, track.title, track.album) for track in parts.reader.list_tracks(limit=100, after=None)}
    assert held == {(piece.artist, piece.title, piece.album) for piece in pieces}


def test_a_recorded_song_is_identified_at_its_moment(lane: ClipLane, pieces: list[Piece]) -> None:
    answer = ask(lane, recording(pieces[4], start_s=12.0))
    assert answer.status == "answered"
    assert answer.identified is not None
    assert answer.identified.title == pieces[4].title
    assert answer.identified.track_span_s[0] == pytest.approx(12.0, abs=0.5)


def test_an_answer_has_a_mood_five_songs_and_its_own_timeline(lane: ClipLane, pieces: list[Piece]) -> None:
    answer = ask(lane, recording(pieces[0]))
    assert answer.mood is not None
    assert answer.mood.label.ko
    assert answer.mood.label.en
    assert len(answer.matches) == 5
    assert answer.search is not None
    assert answer.search.proven
    assert {"ingest", "featurizer", "classifier", "ranker", "total"} <= set(answer.timeline)


def test_a_recorded_song_has_the_mood_of_the_whole_song(lane: ClipLane, pieces: list[Piece]) -> None:
    for piece in pieces[4:8]:
        heard = ask(lane, recording(piece), scope="mood", k=20)
        assert heard.identified is not None
        assert heard.mood is not None
        song = lane.answer_track(heard.identified.track_id, options=ClipOptions())
        assert heard.mood == song.mood
        moods = {heard.mood.id}
        if heard.mood.ambiguous and heard.mood.runner_up is not None:
            moods.add(heard.mood.runner_up.id)
        assert {match.mood for match in heard.matches} <= moods


def test_a_recorded_song_is_identified_though_a_filter_leaves_it_out(lane: ClipLane, pieces: list[Piece]) -> None:
    plain = ask(lane, recording(pieces[4]))
    assert plain.identified is not None
    other = next(match.mood for match in plain.matches if match.mood not in {None, plain.identified.mood})
    found = ask(lane, recording(pieces[4]), filters=Filters(moods=(other,)))
    assert found.identified == plain.identified
    assert {match.mood for match in found.matches} == {other}
    assert found.search is not None
    assert found.search.proven


def test_the_answer_is_stored(parts: Parts, lane: ClipLane, pieces: list[Piece]) -> None:
    answer = lane.answer(recording(pieces[1]), options=ClipOptions(), name="stored")
    kept = parts.reader.answer("/tunekin/embedded#stored")
    assert kept is not None
    assert (kept.status, kept.matches) == ("answered", answer.matches)


def test_a_part_of_a_whole_song_can_be_meant(lane: ClipLane, music: Path, pieces: list[Piece]) -> None:
    file = next(path for path in music.rglob("*.flac") if pieces[2].title in path.name)
    answer = ask(lane, file.read_bytes(), start_s=10.0, duration_s=6.0)
    assert answer.identified is not None
    assert answer.identified.title == pieces[2].title
    assert answer.identified.clip_span_s == pytest.approx((10.0, 16.0), abs=0.2)
    assert answer.identified.track_span_s == pytest.approx((10.0, 16.0), abs=0.5)


def test_a_shortlist_says_whether_it_is_proven(lane: ClipLane, pieces: list[Piece]) -> None:
    certified, shortlist = (ask(lane, recording(pieces[3]), mode=mode) for mode in ("certified", "shortlist"))
    assert shortlist.search is not None
    assert shortlist.search.mode == "shortlist"
    assert shortlist.search.proven, "a shortlist that holds the whole catalogue"
    assert [match.track_id for match in shortlist.matches] == [match.track_id for match in certified.matches]


def test_a_second_load_leaves_everything_as_it_is(parts: Parts, music: Path) -> None:
    version = parts.reader.version()
    assert {outcome.status for outcome in load(parts, find(music))} == {"unchanged"}
    assert parts.reader.version() == version


def test_a_broken_file_is_a_failure_among_the_outcomes_and_does_not_stop_the_rest(
    empty: Parts, tmp_path: Path, pieces: list[Piece]
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    song = render(pieces[0])
    write_wav(song, folder / "good.wav")
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "words.mp3").write_text("this is not music\n" * 100)
    write_wav(np.zeros(3 * RATE), folder / "silence.wav")
    write_wav(song[: RATE // 5], folder / "short.wav")
    outcomes = {Path(outcome.source_uri).name: outcome for outcome in load(empty, find(folder))}
    codes = {name: outcome.error.code if outcome.error else outcome.status for name, outcome in outcomes.items()}
    assert codes == {
        "good.wav": "added",
        "empty.mp3": "audio.empty",
        "words.mp3": "audio.unknown_format",
        "silence.wav": "audio.silent",
        "short.wav": "audio.too_short",
    }
    assert all(outcome.error.hint for outcome in outcomes.values() if outcome.error)
    assert empty.reader.count() == 1


def test_the_same_sound_in_two_places_is_one_track(empty: Parts, tmp_path: Path, pieces: list[Piece]) -> None:
    folder = tmp_path / "twice"
    (folder / "copy").mkdir(parents=True)
    song = write_wav(render(pieces[0]), folder / "a.wav")
    (folder / "copy" / "b.wav").write_bytes(song.read_bytes())
    assert sorted(outcome.status for outcome in load(empty, find(folder))) == ["added", "unchanged"]
    assert empty.reader.count() == 1


def test_a_changed_file_updates_its_track(empty: Parts, tmp_path: Path, pieces: list[Piece]) -> None:
    folder = tmp_path / "changing"
    folder.mkdir()
    song = write_wav(render(pieces[0]), folder / "a.wav")
    list(load(empty, find(folder)))
    write_wav(render(pieces[1]), song)
    (outcome,) = load(empty, find(folder))
    assert (outcome.status, outcome.track_id) == ("updated", track_id(song.as_uri()))
    assert empty.reader.count() == 1


def test_a_file_that_vanished_is_a_failure(empty: Parts, tmp_path: Path) -> None:
    uri = (tmp_path / "gone.wav").as_uri()
    (outcome,) = load(empty, [Track(track_id=track_id(uri), source_uri=uri)])
    assert outcome.error is not None
    assert "can't be read" in outcome.error.message


def test_a_load_that_cannot_be_written_ends_with_the_reason(
    empty: Parts, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_entries: object) -> None:
        raise DependencyError("the catalogue is unavailable: database or disk is full")

    monkeypatch.setattr(empty.writer, "upsert", refuse)
    monkeypatch.setattr(track_lane, "_PATIENCE_S", 0.5)
    with pytest.raises(DependencyError, match="disk is full") as error:
        list(load(empty, list(find(music))[:1]))
    assert "goes on from here" in error.value.hint


def test_a_track_added_while_a_listener_waits_is_found(empty: Parts, tmp_path: Path, pieces: list[Piece]) -> None:
    folder = tmp_path / "growing"
    folder.mkdir()
    write_wav(render(pieces[0]), folder / "a.wav")
    list(load(empty, find(folder)))
    lane = ClipLane(empty)
    assert ask(lane, recording(pieces[5])).identified is None
    write_wav(render(pieces[5]), folder / "b.wav")
    list(load(empty, find(folder)))
    found = ask(lane, recording(pieces[5])).identified
    lane.close()
    assert found is not None
    assert found.track_id == track_id((folder / "b.wav").as_uri())


def test_an_empty_catalogue_is_a_clear_failure(empty: Parts, pieces: list[Piece]) -> None:
    lane = ClipLane(empty)
    answer = ask(lane, recording(pieces[0]))
    lane.close()
    assert answer.status == "failed"
    assert answer.error is not None
    assert answer.error.code == "catalogue.empty"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "audio.empty"),
        (b"just some words, long enough to look at" * 10, "audio.unknown_format"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio.undecodable"),
    ],
)
def test_a_clip_that_cannot_work_is_a_failure_with_a_hint(lane: ClipLane, data: bytes, code: str) -> None:
    answer = ask(lane, data)
    assert answer.status == "failed"
    assert answer.error is not None
    assert answer.error.code == code
    assert answer.error.message
    assert answer.error.hint


def test_an_interrupted_load_goes_on_where_it_stopped(empty: Parts, music: Path, pieces: list[Piece]) -> None:
    outcomes: Iterator[TrackOutcome] = load(empty, find(music))
    first = next(outcomes)
    assert isinstance(outcomes, Iterator)
    outcomes.close()  # type: ignore[attr-defined]
    assert first.status == "added"
    before = empty.reader.count()
    assert 1 <= before < len(pieces)
    assert {outcome.status for outcome in load(empty, find(music))} == {"added", "unchanged"}
    assert empty.reader.count() == len(pieces)


def test_what_a_listener_likes_is_told_and_what_they_dislike_stays_away(lane: ClipLane, pieces: list[Piece]) -> None:
    data = recording(pieces[0])
    plain = ask(lane, data, k=9)
    assert len(plain.matches) == 9
    songs = {match.track_id: match for match in plain.matches}
    first, *others = songs
    with_taste = ask(lane, data, k=9, likes=tuple(others), dislikes=(first, "no such song"))
    assert {match.track_id for match in with_taste.matches} == set(songs) - {first}
    assert with_taste.identified == plain.identified
    assert with_taste.search is not None
    assert with_taste.search.proven
    assert {match.track_id: match.similarity for match in with_taste.matches} == {
        track_id: match.similarity for track_id, match in songs.items() if track_id != first
    }
    liked = {why.label.en for match in with_taste.matches for why in match.why if why.view == "liked" and why.label}
    assert liked
    assert liked <= {f"close to “{songs[track_id].title}” that you liked" for track_id in others}
    assert ask(lane, data, k=9).matches == plain.matches
