"""The bot's words, and what its messages and buttons hold."""

import dataclasses
import re

import pytest

from tests.architecture.repository import ROOT
from tunekin import errors
from tunekin.errors import InputError, TunekinError
from tunekin.messages import Answer, Label, Match, MoodAnswer, Problem, SearchFacts, Why
from tunekin_ranker.reasons import LABELS
from tunekin_telegram import tell
from tunekin_telegram.buttons import Buttons
from tunekin_telegram.words import WORDS

EN, KO = WORDS["en"], WORDS["ko"]
# What an operator is told, not a listener.
ELSEWHERE = {
    "settings.invalid",
    "model.invalid",
    "message.invalid",
    "message.version_unknown",
    "record.killed_worker",
    "option.invalid",
    "input.invalid",
}


def match(**other):
    known = {"track_id": "t", "title": "T", "artist": "A", "album": "", "mood": 1, "distance": 0.5, "similarity": 0.97}
    return Match(**{**known, "clip_span_s": (0.0, 6.0), "track_span_s": (62.9, 130.0), **other})


def answered(**other):
    label = Label(ko="기분", en="Mood")
    return Answer(clip_id="c", status="answered", mood=MoodAnswer(id=1, label=label, probability=0.7), **other)


def test_both_languages_say_the_same_things():
    for field in dataclasses.fields(EN):
        english, korean = getattr(EN, field.name), getattr(KO, field.name)
        if isinstance(english, str):
            english, korean = {"": english}, {"": korean}
        assert english.keys() == korean.keys(), field.name
        for name, text in english.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", korean[name])), (field.name, name)


def test_every_error_that_a_listener_can_meet_has_words():
    codes = {
        error.code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, TunekinError)
    }
    assert codes - ELSEWHERE <= EN.errors.keys()
    assert InputError.code in codes


def test_the_bot_speaks_as_the_page_does():
    page = (ROOT / "apps/web/tunekin_web/static/words.js").read_text(encoding="utf-8")
    english, korean = page.partition("const ERRORS")[0].split("  ko: {")
    shared = {
        "mood_is": "moodIs",
        "sure": "sure",
        "or_else": "orElse",
        "or_as_well": "orAsWell",
        "this_is": "thisIs",
        "none": "none",
        "proven": "proven",
        "proposed": "proposed",
        "unknown": "unknown",
        "moods": "moodsTitle",
        "songs": "songs",
        "typical": "typical",
        "surprise": "surprise",
        "surprise_lead": "surpriseLead",
        "back": "back",
        "empty_mood": "empty",
        "like": "likeTitle",
        "likes": "likes",
        "dislikes": "dislikes",
        "take_along": "takeAlong",
        "forget": "forget",
        "forget_sure": "forgetSure",
        "forgotten": "forgotten",
        "noted": "noted",
        "taken_back": "takenBack",
    }
    for text, words in ((english, EN), (korean, KO)):
        on_page = dict(re.findall(r'(\w+): "((?:[^"\\]|\\.)*)"', text))
        assert {name: getattr(words, name) for name in shared} == {
            ours: on_page[theirs] for ours, theirs in shared.items()
        }
        assert dict(words.stages) == {stage: on_page[stage] for stage in words.stages}


def test_a_match_has_its_moment_and_the_views_that_speak_for_it():
    why = tuple(
        Why(view=view, similarity=share, label=LABELS[view]) for view, share in (("rhythm", 0.99), ("timbre", 0.4))
    )
    said = tell.answer(EN, answered(matches=(match(why=why),)))
    assert "1. <b>T</b> · A\n     97% alike, at 1:02 to 2:10 · rhythm 99%" in said.text
    assert "timbre" not in said.text
    assert [[(button.label, *button.action) for button in row] for row in said.rows] == [
        [("1", "kin", "t")],
        [("👍 1", "like", "t")],
        [("👎 1", "dislike", "t")],
    ]


@pytest.mark.parametrize(("words", "where"), [(EN, "at 0:30 ·"), (KO, "0:30부터 ·")])
def test_a_moment_within_a_second_is_one_time(words, where):
    why = (Why(view="liked", similarity=0.9, label=Label(ko="가까움", en="close")),)
    text = tell.answer(words, answered(matches=(match(why=why, track_span_s=(30.1, 30.9)),))).text
    assert where in text
    # A song that is liked is a reason by itself.
    assert text.split(where)[1].splitlines()[0].strip() in {"close", "가까움"}


def test_a_long_taste_fits_into_a_message():
    songs = [{"track_id": str(number), "title": "x" * 255, "artist": "y" * 255} for number in range(2_000)]
    said = tell.taste(EN, songs, songs)
    assert len(re.sub(r"</?[bi]>", "", said.text)) < 4096
    assert sum(len(row) for row in said.rows) <= 100


def test_an_answer_without_songs_says_so():
    assert EN.none in tell.answer(EN, answered()).text


def test_a_list_that_is_not_proven_says_how_much_was_compared():
    facts = SearchFacts(mode="shortlist", scope="all", candidates=9, compared_in_full=4, proven=False)
    assert "Compared with 4 of 9 songs." in tell.answer(EN, answered(matches=(match(),), search=facts)).text


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_no_answer_is_longer_than_a_message_may_be_nor_has_markup_of_others(words):
    long = "<&>" * 85
    label = Label(ko=long[:100], en=long[:100])
    why = tuple(Why(view=view, similarity=1.0, label=label) for view in LABELS)
    song = match(title=long, artist=long, why=why)
    said = tell.answer(words, answered(identified=song, matches=(song,) * 5), heading=long[:120])
    # Telegram counts what is shown, after its entities.
    shown = re.sub(r"</?[bi]>", "", said.text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert len(shown) < 4096
    assert "<" not in re.sub(r"</?[bi]>", "", said.text)


def test_an_error_without_words_is_told_as_it_is():
    problem = Problem(code="new.one", message="a < b", hint="c")
    assert tell.problem(KO, problem).text == "a &lt; b\nc"


@pytest.mark.parametrize("value", ["t", "#t", "노래" * 60, "x" * 255, ""])
def test_a_button_carries_any_value_in_64_bytes(value):
    buttons = Buttons()
    written = buttons.write("like", value)
    assert len(written.encode()) <= 64
    assert buttons.read(written) == ("like", value)


def test_a_long_value_that_is_forgotten_is_none():
    assert Buttons().read(Buttons().write("like", "x" * 255)) == ("like", None)
