"""Requests of Telegram are made again where that helps."""

import asyncio

import pytest
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from tunekin_telegram.patience import Patience


@pytest.fixture(autouse=True)
def _lengths_of_time(monkeypatch):
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


def made(*errors, **limits):
    """What comes of a request that fails so at first, and what was waited."""
    waited, left = [], list(errors)

    async def pause(seconds):
        waited.append(seconds)

    async def request():
        if left:
            raise left.pop(0)
        return "done"

    return asyncio.run(Patience(pause, **limits)(request)), waited


def test_a_wait_that_telegram_names_is_kept():
    assert made(RetryAfter(7), RetryAfter(2)) == ("done", [7.0, 2.0])


def test_a_chat_that_is_held_up_for_too_long_is_given_up():
    with pytest.raises(RetryAfter):
        made(RetryAfter(100), RetryAfter(100))


@pytest.mark.parametrize(
    "error", [NetworkError("Bad Gateway (502)"), TimedOut(), TelegramError("Invalid server response"), Conflict("two")]
)
def test_trouble_on_the_way_passes_and_is_waited_for_longer_each_time(error):
    result, waited = made(*[error] * 9)
    assert result == "done"
    assert waited == sorted(waited)
    assert (waited[0], waited[-1]) == (0.5, 30.0)


def test_an_outage_without_end_is_one_at_last():
    with pytest.raises(NetworkError):
        made(*[NetworkError("away")] * 1_000, outage_s=3_600.0)
    assert made(*[NetworkError("away")] * 1_000)[0] == "done"


@pytest.mark.parametrize("error", [BadRequest("chat not found"), Forbidden("blocked"), InvalidToken("no")])
def test_what_telegram_refuses_is_not_asked_again(error):
    with pytest.raises(type(error)):
        made(error)
