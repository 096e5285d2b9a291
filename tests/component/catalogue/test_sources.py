"""Tracks by where they come from and by what others call them."""

import numpy as np
import pytest

from tests.component.catalogue.making import entry
from tunekin.catalogue import sources
from tunekin.errors import OptionError
from tunekin.features import FEATURES, views_to_bytes

NAS, CLOUD = "subsonic://nas:4533/", "subsonic://music.example.org/airsonic/"
MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


@pytest.fixture
def imported(writer):
    writer.upsert(
        [
            entry("t1", source_uri=sources.song(NAS, "aB", size=7), artist="Kim", title="b", album="one"),
            entry("t2", source_uri=sources.song(NAS, "ab"), artist="Kim", title="a", album="two"),
            entry("t3", source_uri=sources.song(CLOUD, "aB"), artist="Kim", title="a", album="one"),
            entry("t4", source_uri=sources.song(NAS, "tr_7/100%"), musicbrainz_id=MBID, artist="kim"),
            entry("t5", source_uri="file:///music/aB"),
        ]
    )


def ids(tracks):
    return [track.track_id for track in tracks]


@pytest.mark.usefixtures("imported")
def test_a_track_is_found_by_the_id_that_its_server_gave_it(reader):
    assert ids(reader.tracks_known_as("aB")) == ["t1", "t3"]
    assert ids(reader.tracks_known_as("ab")) == ["t2"]
    assert ids(reader.tracks_known_as("tr_7/100%")) == ["t4"]
    assert ids(reader.tracks_known_as("tr%7/100%")) == []
    assert ids(reader.tracks_known_as("b")) == []
    assert ids(reader.tracks_known_as("")) == []


@pytest.mark.usefixtures("imported")
def test_a_track_is_found_by_its_recording(reader):
    assert ids(reader.tracks_known_as(MBID)) == ["t4"]


@pytest.mark.usefixtures("imported")
def test_the_tracks_of_a_server_are_listed(reader):
    assert ids(reader.tracks_from(NAS)) == ["t1", "t2", "t4"]
    assert ids(reader.tracks_from("subsonic://nas:453_/")) == []
    assert ids(reader.tracks_from("file:///")) == ["t5"]


@pytest.mark.usefixtures("imported")
def test_an_artists_tracks_are_listed_by_title(reader):
    assert ids(reader.tracks_by("Kim", limit=10)) == ["t2", "t3", "t1"]
    assert ids(reader.tracks_by("Kim", album="one", limit=10)) == ["t3", "t1"]
    assert ids(reader.tracks_by("Kim", limit=1)) == ["t2"]
    assert ids(reader.tracks_by("Ki", limit=10)) == []


@pytest.mark.usefixtures("imported")
def test_a_page_begins_where_it_is_told(reader):
    everything = ids(reader.list_tracks(limit=10, after=None))
    assert ids(reader.list_tracks(limit=2, after=None, offset=2)) == everything[2:4]
    assert reader.list_tracks(limit=2, after=None, offset=5) == []


def test_the_views_of_all_tracks_are_read_together(reader, writer):
    assert reader.views("f2") == ([], pytest.approx(np.zeros((0, 0))))
    views = np.arange(2 * FEATURES.views_size, dtype=np.float16).reshape(2, -1)
    for name, row in zip(("t2", "t1"), views, strict=True):
        writer.upsert([entry(name, feature_version="f2", probabilities=(), views=views_to_bytes(row))])
    track_ids, read = reader.views("f2")
    assert track_ids == ["t1", "t2"]
    np.testing.assert_array_equal(read, views[::-1])


def test_a_song_is_named_without_its_size():
    uri = sources.song(NAS, "봄/1#?", size=12)
    assert sources.named(uri) == sources.song(NAS, "봄/1#?")
    assert (sources.song_id(uri), sources.bytes_of(uri)) == ("봄/1#?", 12)
    assert (sources.song_id("file:///a/b"), sources.bytes_of("file:///a/b")) == ("", 0)


@pytest.mark.parametrize(
    "url",
    ["", "nas", "ftp://nas", "https://", "http://nas:port", "https://kim:sesame@nas", "https://nas/?u=kim&p=sesame"],
)
def test_what_is_no_address_is_refused_without_telling_a_password(url):
    with pytest.raises(OptionError) as caught:
        sources.library(url)
    assert "kim:sesame" not in caught.value.message
