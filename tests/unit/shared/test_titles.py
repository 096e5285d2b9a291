import pytest

from tunekin.catalogue.records import TrackName
from tunekin.catalogue.titles import TitleIndex, letters

SONGS = [
    ("밤편지", "아이유", "Palette"),
    ("비 오는 날", "김나나", "여름의 끝"),
    ("봄날은 간다", "백설희", ""),
    ("Blue Monday", "Björk Ásgeir", "Substance"),
    ("Monday Morning", "The Lamps", "Weekdays"),
    ("Don't Look Back", "The Lamps", "Weekdays"),
    ("夜に駆ける", "Night Choir", "First"),
    ("", "", ""),
]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex(TrackName(str(number), *song) for number, song in enumerate(SONGS))


def titles(index: TitleIndex, text: str) -> list[str]:
    return [SONGS[int(name.track_id)][0] for name in index.search(text, limit=10)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("밤편지", "밤편지"),
        ("아이유 밤편지", "밤편지"),
        ("밤펀지", "밤편지"),
        ("밤편", "밤편지"),
        ("비오는날", "비 오는 날"),
        ("봄날", "봄날은 간다"),
        ("봄", "봄날은 간다"),
        ("blue monday", "Blue Monday"),
        ("BLUE MONDY", "Blue Monday"),
        ("bleu monday bjork", "Blue Monday"),
        ("lamps back", "Don't Look Back"),
        ("dont look", "Don't Look Back"),
        ("夜に", "夜に駆ける"),
    ],
)
def test_a_song_is_found_in_part_misspelt_or_by_its_artist(index, typed, meant):
    assert titles(index, typed)[0] == meant


def test_an_artist_or_an_album_finds_all_its_songs(index):
    assert set(titles(index, "the lamps")) == {"Monday Morning", "Don't Look Back"}
    assert set(titles(index, "weekdays")) == {"Monday Morning", "Don't Look Back"}


def test_the_very_title_scores_1_and_goes_first(index):
    (best, *rest) = index.search("Monday Morning", limit=10)
    assert (best.track_id, best.score) == ("4", 1.0)
    assert all(name.score < 1 for name in rest)


@pytest.mark.parametrize("text", ["", "  ", "!?", "\n", "zzqx", "\U0010ffff", "a" * 10_000])
def test_what_fits_nothing_finds_nothing(index, text):
    assert titles(index, text) == []


def test_an_empty_catalogue_finds_nothing():
    assert TitleIndex([]).search("a", limit=5) == []


def test_a_limit_is_kept_and_equally_good_names_keep_their_order():
    index = TitleIndex(TrackName(f"{number:03}", "Same", "", "") for number in range(300))
    assert [name.track_id for name in index.search("same", limit=3)] == ["000", "001", "002"]


def test_letters_of_half_width_full_width_and_composed_text_are_the_same():
    assert letters("\uff22\uff4c\uff55\uff45") == letters("blue")
    assert letters("봄") == letters("\u1107\u1169\u11b7")
