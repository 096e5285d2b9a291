"""The bot in front of workers on real servers."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.component.telegram.bot_api import TOKEN, BotApi
from tests.installation import PATIENCE_S, clip_of, noise
from tunekin_telegram.words import WORDS

EN, KO = WORDS["en"], WORDS["ko"]


@pytest.fixture(scope="module")
def bot(installation):
    """The server, with the bot at it."""
    with BotApi().serving() as api:
        environment = os.environ | installation.environment
        environment |= {"TUNEKIN_TELEGRAM_TOKEN": TOKEN, "TUNEKIN_TELEGRAM_API_URL": api.address, "COLUMNS": "200"}
        command = [sys.executable, "-m", "tunekin_cli", "telegram", "--kafka"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as program:
            words = program.stderr.readline()
            assert "Tunekin answers in Telegram as @tunekin_bot" in words, words + program.stderr.read()
            yield api
            program.send_signal(signal.SIGTERM)
            assert program.wait(PATIENCE_S) == 0
        assert api.waiting == []


def test_workers_answer_a_voice_note(bot, installation):
    shown = bot.answer(bot.sends(clip_of(installation.songs[1]), language="ko"), KO.kin)
    assert KO.this_is in shown.text
    assert len(re.findall(r"^\d\. <b>", shown.text, re.MULTILINE)) == 5


def test_workers_answer_a_song_that_was_searched_and_a_mood(bot, installation):
    ((title,),) = installation.query("SELECT title FROM tracks WHERE title <> '' LIMIT 1")
    choice = bot.answer(bot.says(title), EN.found)
    assert EN.kin in bot.answer(bot.presses(choice, next(iter(choice.buttons))), EN.kin).text
    listed = bot.answer(bot.says("/mood"), re.escape(EN.moods))
    (count,) = installation.query("SELECT COUNT(*) FROM tracks")[0]
    assert sum(map(int, re.findall(r"\((\d+) songs\)$", listed.text, re.MULTILINE))) == count


def test_many_people_are_answered_together(bot):
    sent = {user: bot.sends(noise(user), user=user) for user in range(100, 112)}
    for user, number in sent.items():
        assert bot.answer(number, EN.kin, user=user)


def test_sound_that_can_not_be_decoded_is_told(bot):
    assert bot.answer(bot.sends(b"no sound"), re.escape(EN.errors["audio.unknown_format"]))
