import pytest

from tests.component.catalogue.making import entry
from tunekin.catalogue.titles import TitleSearch


@pytest.fixture
def search(reader, writer) -> TitleSearch:
    writer.upsert([entry("t1", title="밤편지", artist="아이유"), entry("t2", title="Blue Monday", artist="The Lamps")])
    return TitleSearch(reader)


@pytest.mark.parametrize(("typed", "track_id"), [("밤펀지", "t1"), ("blue mondy", "t2"), ("아이유", "t1")])
def test_a_search_is_the_same_on_every_database(search, typed, track_id):
    assert [found.track.track_id for found in search.search(typed)] == [track_id]


def test_a_song_that_came_later_is_found_too_and_a_renamed_one_by_its_new_name(search, writer):
    assert search.search("nachtlied") == []
    writer.upsert([entry("t3", title="Nachtlied"), entry("t2", title="Red Friday")])
    assert [found.track.track_id for found in search.search("nachtlied")] == ["t3"]
    assert search.search("blue monday") == []
