"""The page on capacity says what the kept results say."""

import pytest

from benchmarks.capacity import PAGE, Assumed, measured, tables, with_tables

FIGURES = {
    "ranker": {"bytes_per_track_30s": 20_000.0, "certified_p50_ms_10k_240s": 500.0},
}


def test_the_tables_are_those_of_the_newest_results():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page, tables(measured("scale"), measured("ranker"), Assumed()))


def test_a_search_that_takes_twice_as_long_takes_twice_the_shards_and_the_time():
    scale = measured("scale")
    slower = FIGURES["ranker"] | {"certified_p50_ms_10k_240s": 1000.0}
    assumed = Assumed(catalogues=(1_000_000,))
    *_, once = tables(scale, FIGURES["ranker"], assumed)["search"].splitlines()
    *_, twice = tables(scale, slower, assumed)["search"].splitlines()
    # 50 µs a song: 20,000 in a shard of 1 s, each of 20 kB × 240 s / 30 s.
    assert once == "| 1,000,000 | 50 | 3.0 GiB | 50,000 |"
    assert twice == "| 1,000,000 | 100 | 1.5 GiB | 100,000 |"


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="no place for the table 'clip'"):
        with_tables("nothing", {"clip": "| |"})
