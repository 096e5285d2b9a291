"""``tunekin telegram`` as a program: what it says, and what becomes of messages when it ends."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.loaded import Loaded
from tests.component.telegram.bot_api import PATIENCE_S, TOKEN, BotApi
from tunekin_telegram.words import WORDS

EN = WORDS["en"]
SECRET = TOKEN.partition(":")[2]


def started(home: Path, **settings: str) -> subprocess.Popen[str]:
    environment = os.environ | {"COLUMNS": "200", "TUNEKIN_LOG_LEVEL": "debug"} | settings
    command = [sys.executable, "-m", "tunekin_cli", "--home", str(home), "telegram"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


@contextlib.contextmanager
def answering(api: BotApi, home: Path) -> Iterator["subprocess.Popen[str]"]:
    with started(home, TUNEKIN_TELEGRAM_TOKEN=TOKEN, TUNEKIN_TELEGRAM_API_URL=api.address) as program:
        try:
            words = program.stderr.readline()
            assert words == "Tunekin answers in Telegram as @tunekin_bot (Ctrl-C ends it)\n", (
                words + program.stderr.read()
            )
            yield program
        finally:
            program.kill()


@pytest.fixture(scope="module")
def home(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own, as another program has the first one open."""
    return Path(shutil.copytree(loaded.home, tmp_path_factory.mktemp("program") / "home"))


def test_messages_outlive_a_program_that_is_killed_and_one_that_is_told_to_end(api, home, loaded):
    recorded = loaded.recorded.read_bytes()
    api.held.add("getFile")
    with answering(api, home) as first:
        begun = api.sends(recorded, kind="audio")
        api.answer(begun, EN.listening)
        first.send_signal(signal.SIGKILL)
        first.wait(PATIENCE_S)
    assert api.waiting == [begun]
    api.held.clear()
    with answering(api, home) as second:
        shown = api.answer(begun, EN.kin)
        assert f"{EN.this_is}:\n<b>{loaded.pieces[3].title}</b>" in shown.text
        api.held.add("getFile")
        shown = api.answer(api.sends(recorded, kind="audio", user=8), EN.listening, user=8)
        second.send_signal(signal.SIGTERM)
        api.held.clear()
        said = second.stderr.read()
        assert second.wait(PATIENCE_S) == 0
    assert EN.kin in shown.text
    assert api.waiting == []
    assert SECRET not in said


def test_a_wrong_token_stops_the_start_with_a_line_that_does_not_repeat_it(api, tmp_path):
    with started(tmp_path, TUNEKIN_TELEGRAM_TOKEN=f"{TOKEN}x", TUNEKIN_TELEGRAM_API_URL=api.address) as program:
        said = program.stderr.read()
        assert program.wait(PATIENCE_S) == 1
    assert "Telegram does not know the token in TUNEKIN_TELEGRAM_TOKEN" in said
    assert said.count("\n") == 2
    assert SECRET not in said
