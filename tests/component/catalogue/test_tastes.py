"""What listeners like is kept on every database, each one's apart, and forgotten when they say so."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tests.component.catalogue.making import entry
from tunekin.catalogue import tastes as module
from tunekin.catalogue.database import reading
from tunekin.catalogue.tastes import Opinion, Tastes, newest
from tunekin.errors import NotFoundError, OptionError


@pytest.fixture
def tastes(engine, writer):
    writer.upsert([entry(f"t{number}", title=f"song {number}") for number in range(6)])
    seconds = itertools.count(2_000)
    return Tastes(engine, clock=lambda: float(next(seconds)))


def said(tastes, listener):
    return [(one.track_id, one.verdict) for one in tastes.of(listener)]


def test_opinions_are_listed_the_newest_first_and_each_listeners_apart(tastes):
    assert tastes.put("kim", "t1", "like") == Opinion(track_id="t1", verdict="like", at_ms=2_000_000)
    tastes.put("kim", "t0", "dislike")
    tastes.put("lee", "t1", "dislike")
    assert said(tastes, "kim") == [("t0", "dislike"), ("t1", "like")]
    assert said(tastes, "lee") == [("t1", "dislike")]
    assert said(tastes, "nobody") == []


def test_a_second_thought_takes_the_place_of_the_first(tastes):
    tastes.put("kim", "t1", "like")
    tastes.put("kim", "t2", "like")
    tastes.put("kim", "t1", "dislike")
    assert said(tastes, "kim") == [("t1", "dislike"), ("t2", "like")]


def test_one_opinion_or_all_can_be_forgotten(tastes):
    for track_id in ("t1", "t2", "t3"):
        tastes.put("kim", track_id, "like")
    tastes.put("lee", "t2", "like")
    assert tastes.remove("kim", "t2")
    assert not tastes.remove("kim", "t2")
    assert said(tastes, "kim") == [("t3", "like"), ("t1", "like")]
    assert tastes.forget("kim") == 2
    assert said(tastes, "kim") == []
    assert said(tastes, "lee") == [("t2", "like")]


def test_a_track_that_leaves_the_catalogue_takes_what_was_thought_of_it_along(tastes, writer):
    tastes.put("kim", "t1", "like")
    tastes.put("kim", "t2", "like")
    writer.remove("t1")
    assert said(tastes, "kim") == [("t2", "like")]


def test_a_track_that_is_heard_again_stays_liked(tastes, writer):
    tastes.put("kim", "t1", "like")
    writer.upsert([entry("t1", title="another", content_sha256="b" * 64)])
    assert said(tastes, "kim") == [("t1", "like")]


def test_nothing_is_thought_of_a_track_that_is_not_there(tastes):
    with pytest.raises(NotFoundError, match="no track 'T1'"):
        tastes.put("kim", "T1", "like")
    with pytest.raises(OptionError, match="'love'"):
        tastes.put("kim", "t1", "love")
    assert said(tastes, "kim") == []


def test_there_is_an_end_to_what_one_listener_may_store(tastes, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    for track_id in ("t0", "t1", "t2"):
        tastes.put("kim", track_id, "like")
    with pytest.raises(OptionError, match="3 likes and dislikes"):
        tastes.put("kim", "t3", "like")
    # What is there may still be thought over.
    tastes.put("kim", "t0", "dislike")
    assert said(tastes, "kim") == [("t0", "dislike"), ("t2", "like"), ("t1", "like")]


def test_the_table_does_not_say_who_a_listener_is(tastes, engine):
    tastes.put("telegram:12345", "t1", "like")
    with reading(engine) as connection:
        rows = connection.execute(text("SELECT * FROM tastes")).all()
    assert len(rows) == 1
    assert "12345" not in repr(rows)


def test_opinions_do_not_change_the_catalogue(tastes, reader):
    version = reader.version()
    tastes.put("kim", "t1", "like")
    tastes.forget("kim")
    assert reader.version() == version


def test_many_at_once_all_count(tastes):
    def opine(number):
        # Twice each, as an impatient finger does.
        tastes.put("kim", f"t{number % 6}", "like")
        tastes.put(f"other {number}", "t0", "dislike")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(opine, range(12)))
    assert sorted(track_id for track_id, _ in said(tastes, "kim")) == [f"t{number}" for number in range(6)]
    assert all(said(tastes, f"other {number}") == [("t0", "dislike")] for number in range(12))


def test_a_question_brings_the_newest_of_each(monkeypatch):
    monkeypatch.setattr(module, "LIKES_MAX", 2)
    monkeypatch.setattr(module, "DISLIKES_MAX", 1)
    likes = [Opinion(track_id=track_id, verdict="like", at_ms=0) for track_id in ("z", "a", "y")]
    dislikes = [Opinion(track_id=track_id, verdict="dislike", at_ms=0) for track_id in ("b", "c")]
    assert newest([likes[0], dislikes[0], likes[1], likes[2], dislikes[1]]) == (("a", "z"), ("b",))
