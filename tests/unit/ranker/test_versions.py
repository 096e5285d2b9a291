"""Versions of one recording."""

import numpy as np

from tests.unit.ranker.test_rank import walk
from tunekin.features import FEATURES
from tunekin_ranker.versions import Candidate, are_versions, recording_names, repeats

SONG = walk(1, 320)


def heard_again(frames, *, seed: int = 0, noise: float = 0.05):
    """The frames that another encoding of the same recording gives."""
    return (frames + np.random.default_rng(seed).normal(0, noise, frames.shape)).astype(np.float16)


def test_another_encoding_is_a_version_whichever_comes_first() -> None:
    one, other = Candidate(frames=SONG), Candidate(frames=heard_again(SONG))
    assert are_versions(one, other)
    assert are_versions(other, one)


def test_an_edit_that_lacks_the_beginning_and_another_part_is_a_version() -> None:
    edited = np.concatenate([SONG[40:150], SONG[190:]])
    assert are_versions(Candidate(frames=heard_again(edited)), Candidate(frames=SONG))


def test_another_song_is_none_and_neither_is_one_that_shares_a_sample() -> None:
    other = walk(2, 320)
    assert not are_versions(Candidate(frames=SONG), Candidate(frames=other))
    # One of the three places where cuts are taken.
    other[20:150] = SONG[20:150]
    assert not are_versions(Candidate(frames=SONG), Candidate(frames=other))


def test_tracks_shorter_than_a_cut_are_compared_whole() -> None:
    short = Candidate(frames=SONG[100:130])
    assert are_versions(short, Candidate(frames=SONG))
    assert not are_versions(Candidate(frames=walk(9, 30)), Candidate(frames=SONG))


def test_tracks_whose_views_are_far_apart_are_none_whatever_their_frames() -> None:
    def seen(distance: float) -> Candidate:
        views = np.zeros(FEATURES.views_size, np.float32)
        views[: -len(FEATURES.views)] = distance
        views[-len(FEATURES.views) :] = 1
        return Candidate(frames=SONG, views=views)

    assert are_versions(seen(0), seen(0.1))
    assert not are_versions(seen(0), seen(2))
    assert are_versions(seen(0), Candidate(frames=SONG))


def test_one_name_of_the_recording_is_enough() -> None:
    one = Candidate(frames=SONG, recordings=recording_names(isrc="KR-A38-17-01234", musicbrainz_id=""))
    other = Candidate(frames=walk(2), recordings=recording_names(isrc="kra381701234", musicbrainz_id="b1a9"))
    third = Candidate(frames=walk(2)[::-1], recordings=recording_names(isrc="", musicbrainz_id="B1A9"))
    assert are_versions(one, other)
    assert are_versions(other, third)
    assert not are_versions(one, third)


def test_songs_without_names_have_none_in_common() -> None:
    nameless = recording_names(isrc="", musicbrainz_id=" ")
    assert not are_versions(Candidate(frames=SONG, recordings=nameless), Candidate(frames=walk(2), recordings=nameless))


def test_of_a_list_the_later_versions_are_named() -> None:
    songs = [Candidate(frames=frames) for frames in (SONG, walk(2), heard_again(SONG), walk(3), heard_again(walk(2)))]
    assert repeats(songs) == [2, 4]
    assert repeats(songs, known=[Candidate(frames=heard_again(SONG, seed=5))]) == [0, 2, 4]
    assert repeats([]) == []
