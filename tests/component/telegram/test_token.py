"""The token is in no log, no error, and nothing that is printed."""

import asyncio
import io
import logging
import traceback

import httpx
import pytest
import structlog

from tests.architecture.repository import ROOT
from tests.component.telegram.bot_api import TOKEN, bad_gateway, broken_off, no_json, refusal, too_many
from tests.component.telegram.conftest import running
from tests.unit.ingest import encoded
from tunekin.errors import TunekinError
from tunekin_telegram.hidden_token import STAND_IN, transport
from tunekin_telegram.serve import _connected
from tunekin_telegram.settings import TelegramSettings
from tunekin_telegram.words import WORDS

SECRET = TOKEN.partition(":")[2]
# Where tests lie, wherever the checkout does.
OWN = str(ROOT / "tests")


def held_by(error: BaseException | None) -> str:
    """Text, causes and frames of an error, with their variables, but for the test's own."""
    if error is None:
        return ""
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    frames = [f"{frame.name} {frame.locals}" for frame in stack if not frame.filename.startswith(OWN)]
    return "\n".join([repr(error), *frames, held_by(error.__cause__), held_by(error.__context__)])


@pytest.fixture
def everything_said():
    """All that is logged, at the lowest level of every logger, with the tracebacks and their variables."""

    class Formatter(logging.Formatter):
        def formatException(self, ei):  # noqa: N802 -- logging's name
            return held_by(ei[1])

    text = io.StringIO()
    handler = logging.StreamHandler(text)
    # The server has it in the addresses that it is asked at, and runs in this process only for the test.
    handler.addFilter(lambda record: not record.name.startswith("uvicorn"))
    handler.setFormatter(Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    root, known = logging.getLogger(), [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    levels = {logger: logger.level for logger in (root, *known)}
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(text))
    yield text
    root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)


def test_the_token_is_in_no_log_whatever_fails(api, backend, everything_said):
    tone = encoded.encode(encoded.tone(duration_s=3), container="ogg", codec="libopus", rate_hz=48_000)
    with running(api, backend):
        for failure in (bad_gateway, no_json, broken_off, lambda: too_many(1), lambda: refusal(404, "Not Found")):
            for method in ("getFile", "download", "sendMessage", "editMessageText", "sendChatAction"):
                if method in {"download", "getFile", "sendChatAction"} or failure().status_code != 404:
                    api.failures[method].append(failure())
            begun = api.sends(tone)
            api.wait_for(lambda begun=begun: begun not in [update["update_id"] for update in api._updates])
        api.failures["getUpdates"] += [bad_gateway(), no_json(), broken_off(), refusal(409, "Conflict"), too_many(1)]
        assert api.answer(api.says("/help"))
    for settings in ({"token": TOKEN + "x"}, {"api_url": "http://127.0.0.1:9"}):
        with pytest.raises(TunekinError) as error, running(api, backend, **settings):
            pass
        everything_said.write(held_by(error.value))
    said = everything_said.getvalue()
    # The libraries did speak, of the addresses too, and of everything that went wrong.
    for word in (
        "httpx INFO HTTP Request",
        f"/bot{STAND_IN}/getMe",
        "httpcore",
        "telegram",
        "NetworkError",
        "telegram.held_up",
        "telegram.unreachable",
    ):
        assert word in said, word
    assert SECRET not in said


@pytest.mark.parametrize("answer", [None, broken_off])
def test_an_error_of_the_network_does_not_hold_it_in_its_causes_or_frames(api, answer):
    url = api.address if answer else "http://127.0.0.1:9"
    if answer:
        api.failures["getMe"].append(answer())

    async def ask():
        carrying = transport(TOKEN, url=url, connections=1)
        async with httpx.AsyncClient(transport=carrying) as client:
            await client.get(f"{url}/bot{STAND_IN}/getMe")

    with pytest.raises(httpx.TransportError) as error:
        asyncio.run(ask())
    assert STAND_IN in str(error.value.request.url)
    assert "<Request(" in held_by(error.value)
    assert SECRET not in held_by(error.value) + repr(error.value.request.url)


def test_nothing_that_the_libraries_print_of_the_bot_or_a_file_has_it(api):
    api.files["f"] = b"sound"

    async def printed():
        async with _connected(TelegramSettings(token=TOKEN, api_url=api.address)) as application:
            file = await application.bot.get_file("f")
            assert await file.download_as_bytearray() == b"sound"
            return repr(application), repr(application.bot), repr(file), file.file_path, file.to_json()

    assert SECRET not in "".join(asyncio.run(printed()))


def test_settings_do_not_print_it():
    settings = TelegramSettings(token=TOKEN)
    assert SECRET not in repr(settings) + str(settings.model_dump())
    assert WORDS
