"""What a track is called."""

import pytest

from tunekin.messages import Track
from tunekin_ingest.naming import from_file_name, with_tags


def named(tags: dict[str, str] | None = None, *, title: str = "") -> Track:
    return with_tags(Track(track_id="t", source_uri="file:///m/A%20-%20B.flac", title=title), tags or {})


def test_the_publishers_word_counts_before_the_tags() -> None:
    track = named(tags={"title": "tagged", "artist": "tagged"}, title="said")
    assert (track.title, track.artist) == ("said", "tagged")


def test_tags_count_before_the_files_name() -> None:
    track = named(tags={"title": "tagged", "album": "an album", "isrc": "X", "musicbrainz_trackid": "m"})
    assert (track.title, track.artist, track.album, track.isrc, track.musicbrainz_id) == (
        "tagged",
        "",
        "an album",
        "X",
        "m",
    )


def test_without_tags_the_files_name_tells() -> None:
    assert (named().artist, named().title) == ("A", "B")


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("01 - Song", "", "Song"),
        ("01. Artist - Song", "Artist", "Song"),
        ("1999", "", "1999"),
        ("7 rings", "", "7 rings"),
        ("07 Song", "", "Song"),
        ("밤의_산책", "", "밤의 산책"),
        ("A - B - C", "A", "B - C"),
        ("some__game___theme", "", "some game theme"),
    ],
)
def test_file_names_as_people_have_them(name: str, artist: str, title: str) -> None:
    assert from_file_name(f"file:///music/{name}.mp3") == (artist, title)


@pytest.mark.parametrize(
    ("tags", "year"),
    [
        ({"date": "1994"}, 1994),
        ({"date": "1994-05-01", "year": "2001"}, 1994),
        ({"year": "2001"}, 2001),
        ({"date": "01.05.1994"}, 1994),
        ({"date": "19940501"}, 0),
        ({"date": "soon"}, 0),
        ({}, 0),
    ],
)
def test_the_year_is_that_of_the_date_however_it_is_written(tags: dict[str, str], year: int) -> None:
    assert named(tags).year == year


def test_genres_are_tags_each_once() -> None:
    assert named({"genre": "Hip Hop; rock,Rock"}).tags == ("Hip Hop", "rock")
    said = Track(track_id="t", source_uri="file:///m/A.flac", year=1980, tags=("mine",))
    kept = with_tags(said, {"genre": "Rock", "date": "1994"})
    assert (kept.year, kept.tags) == (1980, ("mine",))


def test_an_endless_tag_is_cut_to_what_the_catalogue_holds() -> None:
    assert len(named(tags={"title": "x" * 10_000}).title) == 255
