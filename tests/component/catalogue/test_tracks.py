import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.component.catalogue.making import entry, frames_of, index_of
from tunekin.catalogue.records import Removed
from tunekin.errors import MessageError
from tunekin.messages import Track

SHA = "ab" * 32
FULL = Track(
    track_id="트랙 1🎵",
    title="봄날 🌸𝄞",
    artist="방탄소년단",
    album="",
    duration_s=274.125,
    isrc="KRA381701234",
    musicbrainz_id="b1a9c0e9-d987-4042-ae91-78d6a3267d69",
    source_uri="file:///music/" + "가" * 2_500,
    content_sha256=SHA,
    year=2017,
    tags=("K-Pop", "발라드"),
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=255)


def write_as(writer, track, **others):
    return writer.upsert([dataclasses.replace(entry(**others), track=track)])[0]


def test_a_new_catalogue_is_empty(reader):
    assert (reader.version(), reader.count(), reader.list_tracks(limit=10, after=None)) == (0, 0, [])
    assert (reader.track("t1"), reader.contents("f1", summary_size=3)) == (None, {})
    assert index_of(reader) == ({}, 0)
    assert reader.summaries("f1", summary_size=3).matrix.shape == (0, 3)


def test_a_track_comes_back_as_it_was_written(reader, writer):
    write_as(writer, FULL)
    assert reader.track(FULL.track_id) == FULL


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=text, artist=text, album=text)
def test_any_text_comes_back_as_it_was_written(reader, writer, title, artist, album):
    track = Track(track_id="t1", title=title, artist=artist, album=album)
    write_as(writer, track)
    assert reader.track("t1") == track


def test_ids_are_compared_to_the_letter(reader, writer):
    ids = ["e", "E", "é", "e\u0301", "ß", "ss", "가"]
    writer.upsert([entry(track_id) for track_id in ids])
    assert set(reader.tracks(ids)) == set(ids)


def test_more_ids_than_fit_into_a_query_are_found(reader, writer):
    writer.upsert([entry("t7"), entry("t1999")])
    wanted = [f"t{i}" for i in range(2_000)] * 2
    assert set(reader.tracks(wanted)) == {"t7", "t1999"}
    rows = reader.index_rows(wanted, feature_version="f1", model_version="m1")
    assert sorted(row.track.track_id for row in rows) == ["t1999", "t7"]


def test_a_track_written_again_is_updated_and_none_is_added(reader, writer):
    first = write_as(writer, FULL)
    again = write_as(writer, msgspec.structs.replace(FULL, title="Spring Day"))
    assert (first.added, again.added) == (True, False)
    assert (reader.count(), reader.track(FULL.track_id).title) == (1, "Spring Day")


def test_delivering_the_same_track_once_more_changes_nothing_but_the_version(reader, writer):
    write_as(writer, FULL)
    before, version = index_of(reader)
    write_as(writer, FULL)
    after, next_version = index_of(reader)
    assert next_version > version
    assert before.keys() == after.keys()
    assert all(np.array_equal(after[key].frames, row.frames) for key, row in before.items())
    assert [(row.track, row.mood) for row in after.values()] == [(row.track, row.mood) for row in before.values()]


def test_each_change_has_a_version_of_its_own(reader, writer):
    written = [*writer.upsert([entry("a"), entry("b")]), *writer.upsert([entry("a")])]
    assert [one.catalogue_version for one in written] == [1, 2, 3]
    assert writer.remove("a") == Removed(catalogue_version=4, held=True)
    assert reader.version() == 4


def test_writing_nothing_is_no_change(reader, writer):
    assert writer.upsert([]) == []
    assert reader.version() == 0


def test_of_two_entries_for_one_track_in_a_batch_the_last_stands(reader, writer):
    written = writer.upsert([entry(title="old", frames=frames_of(3)), entry(title="new", frames=frames_of(5))])
    assert [one.added for one in written] == [True, False]
    rows, _ = index_of(reader)
    assert (rows["t1"].track.title, rows["t1"].frames.shape) == ("new", (5, 20))


def test_a_removed_track_is_gone_with_all_that_hangs_on_it(reader, writer):
    writer.upsert([entry("a"), entry("b")])
    writer.remove("a")
    assert reader.track("a") is None
    assert reader.index_rows(["a"], feature_version="f1", model_version="m1") == []
    assert reader.summaries("f1", summary_size=3).track_ids == ("b",)
    assert [row.track.track_id for row in reader.tracks_of_mood("m1", 1, limit=9)] == ["b"]
    writer.upsert([entry("a", model_version="m2")])
    assert index_of(reader)[0]["a"].mood is None


def test_removing_what_is_not_there_is_said_and_no_change(reader, writer):
    writer.upsert([entry("b")])
    assert writer.remove("a") == Removed(catalogue_version=1, held=False)
    assert reader.version() == 1


def test_content_tells_its_track(reader, writer):
    writer.upsert([entry("b", content_sha256=SHA), entry("a", content_sha256=SHA), entry("c"), entry("d")])
    assert reader.contents("f1", summary_size=3) == {SHA: "a"}


def test_what_only_another_version_has_heard_is_still_to_be_heard(reader, writer):
    writer.upsert([entry("a", content_sha256=SHA)])
    assert reader.contents("f2", summary_size=3) == {}


def test_what_was_heard_when_summaries_had_fewer_numbers_is_still_to_be_heard(reader, writer):
    writer.upsert([entry("a", content_sha256=SHA, summary=(1.0, 2.0))])
    assert reader.contents("f1", summary_size=3) == {}


def test_pages_hold_every_track_once_in_order_of_artist_title_and_id(reader, writer):
    keys = [(artist, title, i) for artist in ("", "나", "a", "🎵") for title in ("", "x", "y") for i in "12"]
    tracks = [Track(track_id="".join(key), artist=key[0], title=key[1]) for key in keys]
    writer.upsert([dataclasses.replace(entry(), track=track) for track in tracks])
    listed: list[Track] = []
    while page := reader.list_tracks(limit=5, after=listed[-1] if listed else None):
        assert len(page) <= 5
        listed += page
    assert listed == sorted(tracks, key=lambda track: (track.artist, track.title, track.track_id))


def test_a_page_goes_on_where_the_last_one_ended_though_that_track_is_gone(reader, writer):
    writer.upsert([entry(track_id, artist="a") for track_id in "123"])
    (last,) = reader.list_tracks(limit=1, after=None)
    writer.remove(last.track_id)
    assert [track.track_id for track in reader.list_tracks(limit=9, after=last)] == ["2", "3"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"track_id": ""}, "track id"),
        ({"track_id": "a "}, "'a '"),
        ({"track_id": "x" * 256}, "track_id has 256"),
        ({"title": "가" * 256}, "title has 256"),
        ({"source_uri": "x" * 16_001}, "source_uri has 16001"),
        ({"content_sha256": "a" * 65}, "content_sha256 has 65"),
        ({"feature_version": "f" * 65}, "feature_version has 65"),
        ({"artist": "\ud800"}, "Unicode"),
        ({"duration_s": float("nan")}, "finite"),
        ({"probabilities": (0.5, float("inf"))}, "finite"),
        ({"frames": frames_of(0)}, "0 bytes"),
        ({"frames": frames_of(8)[:, :19]}, "304 bytes"),
    ],
)
def test_an_entry_that_no_database_takes_is_refused_before_it_is_written(fields, named):
    with pytest.raises(MessageError, match=named):
        entry(**fields)


def test_the_longest_texts_fit(reader, writer):
    most = "𝄞" * 255
    track = Track(
        track_id=most,
        title=most,
        artist=most,
        album=most,
        isrc=most,
        musicbrainz_id=most,
        source_uri="𝄞" * 16_000,
        content_sha256="f" * 64,
    )
    write_as(writer, track)
    assert reader.track(track.track_id) == track
    assert reader.list_tracks(limit=1, after=None) == [track]
