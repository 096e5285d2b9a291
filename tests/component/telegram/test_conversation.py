"""What people get for what they send."""

import json
import re

import pytest

from tests.component.loaded import Loaded
from tests.component.telegram.conftest import running
from tests.unit.ingest import encoded
from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_demo.compose import render
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_telegram.words import WORDS
from tunekin_web.backend import Backend

RATE = FEATURES.sample_rate_hz
EN, KO = WORDS["en"], WORDS["ko"]


@pytest.fixture(scope="module")
def heard(loaded: Loaded):
    """Eight seconds of a song of the catalogue, as a phone hears them."""
    cut = bad_microphone.cut(render(loaded.pieces[3]), start_s=10.0, duration_s=8.0, sample_rate_hz=RATE)
    return bad_microphone.add_noise(cut, snr_db=25.0, seed=1)


@pytest.fixture(scope="module")
def voice_note(heard) -> bytes:
    note = bad_microphone.encode(heard, sample_rate_hz=RATE, codec="opus", bitrate_bps=32_000)
    assert note.startswith(b"OggS")
    assert b"OpusHead" in note[:64]
    return note


def test_a_voice_note_gets_its_mood_the_very_song_and_songs_with_their_moments(bot, loaded, voice_note):
    shown = bot.answer(bot.sends(voice_note), EN.kin)
    assert EN.mood_is in shown.text
    assert f"{EN.this_is}:\n<b>{loaded.pieces[3].title}</b> · {loaded.pieces[3].artist}, at 0:" in shown.text
    songs = re.findall(
        r"^(\d)\. <b>(.+)</b> · (.+)\n +(\d+)% alike, at \d:\d\d to \d:\d\d · \w+ \d+%", shown.text, re.MULTILINE
    )
    assert [place for place, *_ in songs] == ["1", "2", "3", "4", "5"]
    assert {title for _, title, *_ in songs} < {piece.title for piece in loaded.pieces}
    assert loaded.pieces[3].title not in {title for _, title, *_ in songs}
    assert re.search(r"Proven: no other of \d songs belongs", shown.text)
    assert shown.before[0].startswith(EN.listening)
    assert bot.called("sendChatAction")[0]["action"] == "typing"


def test_somebody_whose_app_is_korean_is_answered_in_korean(bot, voice_note):
    shown = bot.answer(bot.sends(voice_note, language="ko-KR"), KO.kin)
    assert KO.mood_is in shown.text
    assert KO.this_is in shown.text
    assert re.search(r"\d+% 닮음, \d:\d\d부터 \d:\d\d까지 · \S+", shown.text)
    assert EN.kin not in shown.text
    assert shown.before[0].startswith(KO.listening)


@pytest.mark.parametrize("kind", ["audio", "video_note", "video", "document"])
def test_sound_is_heard_in_whatever_it_comes(bot, loaded, heard, kind):
    if kind in {"video_note", "video"}:
        data = encoded.encode(heard[None], container="mp4", codec="aac", rate_hz=RATE, picture="mpeg4")
    else:
        data = bad_microphone.encode(heard, sample_rate_hz=RATE, codec="aac" if kind == "audio" else "mp3")
    shown = bot.answer(bot.sends(data, kind=kind), EN.kin)
    assert loaded.pieces[3].title in shown.text


def test_songs_like_one_of_an_answer_are_a_press_away(bot, voice_note):
    answered = bot.answer(bot.sends(voice_note), EN.kin)
    title = re.findall(r"^2\. <b>(.+?)</b>", answered.text, re.MULTILINE)[0]
    shown = bot.answer(bot.presses(answered, "2"), EN.kin)
    assert shown.text.startswith(f"<b>{EN.like.format(title=title)}</b>")
    assert shown.before[0] == EN.looking.format(title=title)
    assert f"<b>{title}</b> ·" not in shown.text
    assert bot.called("answerCallbackQuery")


def test_what_somebody_likes_and_dislikes_is_followed_shown_taken_along_and_forgotten(bot, voice_note):
    def titles(shown):
        return re.findall(r"^\d\. <b>(.+?)</b>", shown.text, re.MULTILINE)

    answered = bot.answer(bot.sends(voice_note), EN.kin)
    first, second, *_ = titles(answered)
    bot.presses(answered, "👎 1")
    bot.presses(answered, "👍 2")
    bot.wait_for(
        lambda: [given.get("text") for name, given in bot.calls if name == "answerCallbackQuery"] == [EN.noted] * 2
    )
    followed = bot.answer(bot.sends(voice_note), EN.kin)
    assert first not in titles(followed)
    assert f"close to “{second}” that you liked" in followed.text
    # Nobody else's answers do.
    assert titles(bot.answer(bot.sends(voice_note, user=8), EN.kin, user=8)) == titles(answered)

    taste = bot.answer(bot.says("/taste"), EN.likes)
    assert titles(taste) == [second, first]
    bot.presses(taste, EN.take_along)
    bot.wait_for(lambda: bot.documents)
    along = json.loads(bot.documents[0])
    assert [[song["title"] for song in along[verdict]] for verdict in ("likes", "dislikes")] == [[second], [first]]

    bot.presses(taste, "1")
    bot.wait_for(lambda: titles(taste) == [first])
    bot.presses(taste, EN.forget)
    bot.wait_for(lambda: taste.text == EN.forget_sure)
    bot.presses(taste, EN.forget)
    bot.wait_for(lambda: taste.text == EN.forgotten)
    assert bot.answer(bot.says("/taste"), EN.nothing_yet)
    assert titles(bot.answer(bot.sends(voice_note), EN.kin)) == titles(answered)


def test_a_misspelt_title_is_searched_and_chosen_by_a_button(bot, loaded):
    piece = loaded.pieces[1]
    choice = bot.answer(bot.says(f"{piece.title[:-1]} {piece.artist}"), EN.found)
    (label, *_) = choice.buttons
    assert label.startswith(piece.title)
    assert EN.kin in bot.answer(bot.presses(choice, label), EN.like.format(title=re.escape(piece.title))).text


def test_a_title_that_no_song_has_is_said(bot):
    assert bot.answer(bot.says("zzzzqqqq"), re.escape(EN.nothing)).buttons == {}


def test_moods_open_their_songs_and_draw_by_lot(bot, loaded):
    listed = bot.answer(bot.says("/mood"), re.escape(EN.moods))
    songs = {
        place: int(count) for place, count in re.findall(r"^(\d+)\. .*\((\d+) songs\)$", listed.text, re.MULTILINE)
    }
    assert songs.keys() == listed.buttons.keys()
    assert sum(songs.values()) == len(loaded.pieces)
    bot.presses(listed, max(songs, key=lambda place: songs[place]))
    bot.wait_for(lambda: EN.typical in listed.text)
    assert re.search(r"^1\. <b>", listed.text, re.MULTILINE)
    assert {EN.surprise, EN.back, "1"} <= listed.buttons.keys()
    typical = set(re.findall(r"<b>(.+)</b> ·", listed.text))
    bot.presses(listed, EN.surprise)
    bot.wait_for(lambda: EN.surprise_lead in listed.text)
    assert set(re.findall(r"<b>(.+)</b> ·", listed.text)) <= {piece.title for piece in loaded.pieces}
    assert typical
    bot.presses(listed, EN.back)
    bot.wait_for(lambda: EN.moods in listed.text)


def test_an_empty_mood_says_so(bot):
    listed = bot.answer(bot.says("/mood"), re.escape(EN.moods))
    bot.presses(listed, re.findall(r"^(\d+)\. .*\(0 songs\)$", listed.text, re.MULTILINE)[0])
    bot.wait_for(lambda: EN.empty_mood in listed.text)
    assert listed.buttons.keys() == {EN.back}


@pytest.mark.parametrize("command", ["/start", "/help", "/start@tunekin_bot"])
def test_the_bot_says_what_it_takes(bot, command):
    assert bot.answer(bot.says(command)).text == EN.start
    assert bot.answer(bot.says(command, language="ko", user=8), user=8).text == KO.start


def test_commands_are_in_the_menu_in_both_languages(bot):
    given = {
        one.get("language_code"): [each["description"] for each in one["commands"]]
        for one in bot.called("setMyCommands")
    }
    assert given == {None: [*EN.commands.values()], "ko": [*KO.commands.values()]}


def test_what_is_not_understood_is_told_what_is(bot):
    photo = {"photo": [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]}
    assert bot.answer(bot._receive(photo, user=7, language="en")).text == EN.what
    assert bot.answer(bot.says("/nonsense")).text == EN.what


@pytest.mark.parametrize(
    ("code", "data", "known"),
    [
        ("audio.empty", b"", {}),
        ("audio.unknown_format", b"words, and no sound", {}),
        ("audio.unknown_format", b"%PDF", {"kind": "document", "file_name": "a.pdf", "mime_type": "application/pdf"}),
        ("audio.undecodable", encoded.encode(None, container="mp4", codec=None, picture="mpeg4"), {"kind": "video"}),
        (
            "audio.too_short",
            encoded.encode(encoded.tone(duration_s=0.3), container="ogg", codec="libopus", rate_hz=48_000),
            {},
        ),
        (
            "audio.silent",
            encoded.encode(encoded.tone(amplitude=0.0, duration_s=3), container="ogg", codec="libopus", rate_hz=48_000),
            {},
        ),
        ("audio.too_large", b"OggS", {"file_size": 20 * 1024 * 1024 + 1}),
        ("audio.too_large", bytes(20 * 1024 * 1024 + 1), {"file_size": 1_000}),
    ],
)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_can_not_be_answered_is_told_in_words_with_what_would_be_right(bot, code, data, known, language):
    words = WORDS[language].errors[code].format(mb=20)
    assert bot.answer(bot.sends(data, language=language, **known), re.escape(words)).text == words


def test_an_empty_catalogue_is_said(api, tmp_path, voice_note):
    with Parts(Home(tmp_path).prepare(), settings=EmbeddedSettings.read()) as parts, running(api, Backend.of(parts)):
        words = re.escape(EN.errors["catalogue.empty"])
        for begun in (api.says("/mood"), api.says("a song"), api.sends(voice_note)):
            assert api.answer(begun, words)


def test_who_asks_too_often_is_told_once_and_others_are_served(api, backend, voice_note):
    with running(api, backend, clips_per_minute=4):
        first = api.sends(voice_note)
        second = api.sends(voice_note)
        third = api.sends(voice_note)
        other = api.sends(voice_note, user=8)
        assert api.answer(first, EN.kin)
        assert api.answer(other, EN.kin, user=8)
        told = api.answer(second, "Ask again in")
        assert re.fullmatch(EN.too_often.format(s=r"\d+"), told.text)
        api.wait_for(lambda: third not in [update["update_id"] for update in api._updates])
    assert len([one for one in api.shown.values() if one.text == told.text]) == 1


def test_a_button_for_a_song_that_is_gone_says_so(bot):
    listed = bot.answer(bot.says("/mood"))
    for data, code in (
        ("kin:gone", "catalogue.not_found"),
        ("like:gone", "catalogue.not_found"),
        ("mood:99:0", "catalogue.not_found"),
        ("kin:#gone", "telegram.old_button"),
    ):
        assert bot.answer(bot.presses_data(listed, data), re.escape(EN.errors[code]))


def test_a_defect_is_told_as_one_and_the_bot_goes_on(bot):
    listed = bot.answer(bot.says("/mood"))
    assert bot.answer(bot.presses_data(listed, "mood:x:y"), re.escape(EN.errors["internal"]))
    assert bot.answer(bot.says("/help"), re.escape(EN.start[:20]))


def test_names_in_tags_are_no_markup(bot, loaded, monkeypatch):
    song = {"track_id": "t", "title": "<b>&", "artist": "x" * 300}
    monkeypatch.setattr("tunekin_web.collection.Collection.songs_of_mood", lambda *_, **__: [song])
    listed = bot.answer(bot.says("/mood"), re.escape(EN.moods))
    bot.presses(listed, next(iter(listed.buttons)))
    bot.wait_for(lambda: "<b>&lt;b&gt;&amp;</b> · xxx" in listed.text)
    assert "x" * 100 not in listed.text
