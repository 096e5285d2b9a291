"""What becomes of messages when Telegram, the network or the process fails."""

import itertools

import pytest

from tests.component.telegram.bot_api import PATIENCE_S, TOKEN, bad_gateway, broken_off, no_json, refusal, too_many
from tests.component.telegram.conftest import running
from tests.unit.ingest import encoded
from tunekin.errors import DependencyError, SettingsError
from tunekin_telegram.words import WORDS

EN = WORDS["en"]


@pytest.fixture(scope="module")
def tone() -> bytes:
    return encoded.encode(encoded.tone(duration_s=3), container="ogg", codec="libopus", rate_hz=48_000)


@pytest.mark.parametrize(
    ("method", "failure"),
    [
        *itertools.product(
            ["getUpdates", "getFile", "sendMessage", "editMessageText"],
            [bad_gateway, no_json, broken_off, lambda: too_many(3)],
        ),
        *itertools.product(["download"], [bad_gateway, broken_off, lambda: too_many(3)]),
    ],
)
def test_an_answer_comes_although_a_request_fails(api, backend, tone, method, failure):
    with running(api, backend) as bot:
        api.failures[method] += [failure(), failure()]
        shown = api.answer(api.sends(tone), EN.kin)
        assert shown.text.count(EN.kin) == 1
        assert not api.failures[method]
        assert bot.pauses == ([3.0, 3.0] if failure().status_code == 429 else [0.5, 1.0])


def test_a_chat_that_is_held_up_for_long_keeps_nobody_behind_it(api, backend, tone):
    with running(api, backend):
        api.failures["sendMessage"].append(too_many(3600))
        held = api.sends(tone)
        api.wait_for(lambda: held not in [update["update_id"] for update in api._updates])
        assert api.answer(api.sends(tone), EN.kin)


def test_somebody_who_has_blocked_the_bot_is_given_up(api, backend, tone):
    with running(api, backend):
        api.failures["sendMessage"].append(refusal(403, "Forbidden: bot was blocked by the user"))
        api.sends(tone)
        assert api.answer(api.sends(tone, user=8), EN.kin, user=8)


def test_a_file_that_telegram_has_lost_is_asked_for_again(api, backend, tone):
    with running(api, backend):
        api.failures["download"].append(refusal(404, "Not Found"))
        shown = api.answer(api.sends(tone), EN.errors["telegram.lost"])
        assert shown.before[0] == EN.listening
        api.failures["getFile"].append(refusal(400, "Bad Request: wrong file_id"))
        assert api.answer(api.sends(tone), EN.errors["telegram.lost"])


def test_an_answer_whose_message_was_deleted_comes_in_a_new_one(api, backend, tone):
    with running(api, backend):
        api.held.add("getFile")
        begun = api.answer(api.sends(tone), EN.listening)
        del api.shown[begun.number]
        api.held.clear()
        assert api.answer(begun.number, EN.kin)


def test_a_message_is_confirmed_when_it_is_answered_and_worked_on_once(api, backend, tone):
    with running(api, backend):
        api.held.add("getFile")
        number = api.sends(tone)
        begun = api.answer(number, EN.listening)
        seen = len(api.called("getUpdates"))
        api.wait_for(lambda: len([1 for name, _ in api.calls if name == "getUpdates"]) > seen + 2)
        assert api.waiting == [number]
        assert len(api.called("getFile")) == 1
        api.held.clear()
        api.wait_for(lambda: EN.kin in begun.text)
        api.wait_for(lambda: not api._updates)
    assert len(api.called("sendMessage")) == 1


def test_no_more_messages_are_worked_on_than_may_be(api, backend, tone):
    with running(api, backend, max_clips=1):
        api.held.add("getFile")
        first, second = api.sends(tone), api.sends(tone, user=8)
        api.answer(first, EN.listening)
        assert api.waiting == [first, second]
        api.held.clear()
        assert api.answer(first, EN.kin)
        assert api.answer(second, EN.kin, user=8)
    assert api.waiting == []


def test_more_sound_than_may_wait_is_refused_in_words(api, backend, tone):
    with running(api, backend, max_waiting_bytes=len(tone) + 10):
        api.held.add("getFile")
        api.answer(api.sends(tone), EN.listening)
        assert api.answer(api.sends(tone, user=8), EN.errors["gateway.busy"].format(s=2), user=8)
        api.held.clear()


def test_what_is_under_way_at_the_end_is_answered_and_confirmed(api, backend, tone):
    with running(api, backend):
        api.held.add("getFile")
        begun = api.answer(api.sends(tone), EN.listening)
        api.held.clear()
    assert EN.kin in begun.text
    assert api.waiting == []


def test_a_second_bot_with_the_token_waits_for_the_first_to_end(api, backend, tone):
    with running(api, backend):
        api.failures["getUpdates"] += [refusal(409, "Conflict: terminated by other getUpdates request")] * 3
        assert api.answer(api.sends(tone), EN.kin)


def test_a_wrong_token_stops_the_start_and_is_not_repeated(api, backend):
    wrong = TOKEN[:-1] + "Z"
    with (
        pytest.raises(SettingsError, match="Telegram does not know the token") as error,
        running(api, backend, token=wrong),
    ):
        pass
    assert wrong not in repr(error.value) + error.value.hint


def test_a_token_that_is_revoked_ends_the_bot(api, backend):
    def revoked():
        with running(api, backend) as bot:
            api.failures["getUpdates"].append(refusal(401, "Unauthorized"))
            api.says("/help")
            bot.thread.join(PATIENCE_S)

    with pytest.raises(SettingsError, match="Telegram does not know the token"):
        revoked()


def test_telegram_out_of_reach_stops_the_start(api, backend):
    away = "http://127.0.0.1:9"
    with pytest.raises(DependencyError, match=away), running(api, backend, api_url=away):
        pass


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (bad_gateway, DependencyError, "can't be reached"),
        (lambda: refusal(401, "Unauthorized"), SettingsError, "token"),
    ],
)
def test_a_start_that_does_not_come_about_is_told(api, backend, failure, error, words):
    api.failures["setMyCommands"] += [failure() for _ in range(1_000)]
    with pytest.raises(error, match=words), running(api, backend):
        pass


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": ""}, "TUNEKIN_TELEGRAM_TOKEN is not set"),
        ({"token": "SECRET words"}, "has not the form of a token"),
        ({"api_url": "api.telegram.org"}, "is no address"),
        ({"api_url": "ftp://api.telegram.org"}, "is no address"),
    ],
)
def test_settings_that_can_not_be_right_stop_the_start(api, backend, settings, words):
    with pytest.raises(SettingsError, match=words) as error, running(api, backend, **settings):
        pass
    assert "SECRET" not in repr(error.value)
