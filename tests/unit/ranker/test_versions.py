"""Versions of one recording."""

import numpy as np
import pytest

from tests.unit.ranker.test_rank import walk
from tunekin.features import FEATURES
from tunekin_ranker.versions import Candidate, Heard, are_versions, recording_names

SONG = walk(1, 320)


def heard(frames, **known) -> Candidate:
    """A track of these frames."""
    return Candidate(frames=lambda: frames, **known)


def heard_again(frames, *, seed: int = 0, noise: float = 0.05):
    """The frames that another encoding of the same recording gives."""
    return (frames + np.random.default_rng(seed).normal(0, noise, frames.shape)).astype(np.float16)


def test_another_encoding_is_a_version_whichever_comes_first() -> None:
    one, other = heard(SONG), heard(heard_again(SONG))
    assert are_versions(one, other)
    assert are_versions(other, one)


def test_an_edit_that_lacks_the_beginning_and_another_part_is_a_version() -> None:
    edited = np.concatenate([SONG[40:150], SONG[190:]])
    assert are_versions(heard(heard_again(edited)), heard(SONG))


def test_another_song_is_none_and_neither_is_one_that_shares_a_sample() -> None:
    other = walk(2, 320)
    assert not are_versions(heard(SONG), heard(other))
    # One of the three places where cuts are taken.
    other[20:150] = SONG[20:150]
    assert not are_versions(heard(SONG), heard(other))


def test_tracks_shorter_than_a_cut_are_compared_whole() -> None:
    short = heard(SONG[100:130])
    assert are_versions(short, heard(SONG))
    assert not are_versions(heard(walk(9, 30)), heard(SONG))


def test_tracks_whose_views_are_far_apart_are_none_whatever_their_frames() -> None:
    def seen(distance: float) -> Candidate:
        views = np.zeros(FEATURES.views_size, np.float32)
        views[: -len(FEATURES.views)] = distance
        views[-len(FEATURES.views) :] = 1
        return heard(SONG, views=views)

    assert are_versions(seen(0), seen(0.1))
    assert not are_versions(seen(0), seen(2))
    assert are_versions(seen(0), heard(SONG))


def test_one_name_of_the_recording_is_enough() -> None:
    one = heard(SONG, recordings=recording_names(isrc="KR-A38-17-01234", musicbrainz_id=""))
    other = heard(walk(2), recordings=recording_names(isrc="kra381701234", musicbrainz_id="b1a9"))
    third = heard(walk(2)[::-1], recordings=recording_names(isrc="", musicbrainz_id="B1A9"))
    assert are_versions(one, other)
    assert are_versions(other, third)
    assert not are_versions(one, third)


def test_songs_without_names_have_none_in_common() -> None:
    nameless = recording_names(isrc="", musicbrainz_id=" ")
    assert not are_versions(heard(SONG, recordings=nameless), heard(walk(2), recordings=nameless))


def test_of_a_list_the_first_track_is_told_that_another_one_is_a_version_of() -> None:
    known = Heard([heard(SONG), heard(walk(2))])
    known.add(heard(heard_again(SONG)))
    assert known.place_of(heard(heard_again(SONG, seed=5))) == 0
    assert known.place_of(heard(heard_again(walk(2)))) == 1
    assert known.place_of(heard(walk(3, 320))) is None
    assert Heard().place_of(heard(SONG)) is None


def test_frames_are_asked_only_where_views_are_near_and_nobody_has_told_the_tracks_apart() -> None:
    def refuse() -> None:
        raise AssertionError

    near, far = np.zeros(FEATURES.views_size, np.float16), np.full(FEATURES.views_size, 9, np.float16)
    near[-len(FEATURES.views) :] = far[-len(FEATURES.views) :] = 1
    known = Heard([Candidate(frames=refuse, views=near, told_by=1), Candidate(frames=refuse, views=far)])
    assert known.place_of(Candidate(frames=refuse, views=near, told_by=1)) is None
    with pytest.raises(AssertionError):
        known.place_of(Candidate(frames=refuse, views=near, told_by=2))


def test_of_a_track_without_frames_names_tell() -> None:
    named = Candidate(recordings=frozenset({"isrc:A"}))
    assert are_versions(named, heard(SONG, recordings=frozenset({"isrc:A"})))
    assert not are_versions(named, heard(SONG))
