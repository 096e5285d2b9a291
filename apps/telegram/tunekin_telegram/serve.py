"""The bot as it runs: Telegram on one side, a catalogue and what answers on the other."""

import asyncio
import contextlib
import functools
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from telegram import BotCommand, Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application, ExtBot
from telegram.request import HTTPXRequest

from tunekin.errors import DependencyError, SettingsError
from tunekin_telegram.handlers import Handlers
from tunekin_telegram.hidden_token import STAND_IN, transport
from tunekin_telegram.patience import Patience
from tunekin_telegram.settings import TelegramSettings
from tunekin_telegram.updates import attend
from tunekin_telegram.words import WORDS
from tunekin_web.backend import Backend
from tunekin_web.collection import Collection
from tunekin_web.desk import Desk

__all__ = ["converse", "serve"]

_Application: TypeAlias = "Application[Any, Any, Any, Any, Any, Any]"

_UPDATES = ("message", "callback_query")
# Answers that are on their way to Telegram at a time, beside one that waits for updates.
_CONNECTIONS = 32
_CONNECT_S = 10.0
# Telegram may take its time for a file, or for a message to a busy chat.
_READ_S = 30.0
# How long Telegram may be out of reach until the bot ends, and says so.
_OUTAGE_S = 3600.0
# A start that takes longer is none: whoever started it is told.
_START_S = 60.0
# Tickets are followed to their answers, so none has to be kept.
_KEEP_S = 1.0


def serve(backend: Backend, *, settings: TelegramSettings, ready: Callable[[str], None]) -> None:
    """Answer in Telegram until SIGINT or SIGTERM; what is under way is answered first. Called in the main thread.

    Parameters
    ----------
    backend : Backend
        Catalogue, and what answers.
    settings : TelegramSettings
        Token and limits.
    ready : callable
        Told the bot's name, once it answers.

    Raises
    ------
    SettingsError
        The token is none, or Telegram takes it for none.
    DependencyError
        Telegram can't be reached.
    """

    async def until_told() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await converse(backend, settings=settings, ready=ready, stop=stop)

    asyncio.run(until_told())


async def converse(
    backend: Backend,
    *,
    settings: TelegramSettings,
    ready: Callable[[str], None],
    stop: asyncio.Event,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Answer in Telegram until told to stop; what is under way is answered first.

    Parameters
    ----------
    backend : Backend
        Catalogue, and what answers.
    settings : TelegramSettings
        Token and limits.
    ready : callable
        Told the bot's name, once it answers.
    stop : asyncio.Event
        Set when it is time.
    pause : callable
        Waits so many seconds before a request is made again.

    Raises
    ------
    SettingsError
        The token is none, or Telegram takes it for none.
    DependencyError
        Telegram can't be reached.
    """
    settings.check()
    patiently = Patience(pause)
    # Answers wait for Telegram without end, and what waits is not confirmed; whoever asks for more of it is to know.
    for_a_while = Patience(pause, outage_s=_OUTAGE_S)
    desk = Desk(
        backend.answering,
        answerers=backend.answerers,
        clock=time.monotonic,
        max_clips=settings.max_clips,
        max_bytes=settings.max_waiting_bytes,
        keep_s=_KEEP_S,
    )
    collection = Collection(backend, playback=False)
    handlers = Handlers(collection, backend.tastes, desk, settings=settings, patiently=patiently)
    async with _connected(settings) as application, desk.open():
        handlers.register(application)
        try:
            async with asyncio.timeout(_START_S):
                await _introduce(application, for_a_while)
            ready(f"@{application.bot.username}")
            fetch = functools.partial(_fetch, application, for_a_while)
            await attend(fetch, application.process_update, most=settings.max_clips, stop=stop)
        except InvalidToken:
            raise _refused() from None
        except (TelegramError, TimeoutError) as error:
            raise _out_of_reach(settings, error) from None


async def _fetch(application: _Application, patiently: Patience, offset: int, wait_s: int) -> Sequence[Update]:
    return await patiently(lambda: application.bot.get_updates(offset=offset, timeout=wait_s, allowed_updates=_UPDATES))


@contextlib.asynccontextmanager
async def _connected(settings: TelegramSettings) -> AsyncIterator[_Application]:
    # The library gives lengths of time in two ways, and warns of the older one.
    os.environ["PTB_TIMEDELTA"] = "true"
    url = settings.api_url.rstrip("/")
    bot = ExtBot(
        STAND_IN,
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        request=_request(settings, connections=_CONNECTIONS),
        get_updates_request=_request(settings, connections=1),
    )
    application: _Application = Application.builder().bot(bot).updater(None).job_queue(None).build()
    try:
        try:
            await application.initialize()
        except InvalidToken:
            raise _refused() from None
        except TelegramError as error:
            raise _out_of_reach(settings, error) from None
        yield application
    finally:
        await application.shutdown()
        # The application closes nothing that it did not begin, and the bot asks who it is before that.
        await bot.shutdown()


def _request(settings: TelegramSettings, *, connections: int) -> HTTPXRequest:
    carrying = transport(settings.token.get_secret_value(), url=settings.api_url, connections=connections)
    return HTTPXRequest(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        write_timeout=_READ_S,
        # There is no hurry to give up on a connection of our own.
        pool_timeout=None,
        httpx_kwargs={"transport": carrying},
    )


async def _introduce(application: _Application, patiently: Patience) -> None:
    """Put the commands into the menu, and end another way of being told, which would leave nothing for this one."""
    await patiently(lambda: application.bot.delete_webhook(drop_pending_updates=False))
    for words in WORDS.values():
        commands = [BotCommand(name, text) for name, text in words.commands.items()]
        # Those without a code are for everybody else.
        code = None if words.language == "en" else words.language
        await patiently(functools.partial(application.bot.set_my_commands, commands, language_code=code))


def _refused() -> SettingsError:
    return SettingsError(
        "Telegram does not know the token in TUNEKIN_TELEGRAM_TOKEN",
        hint="take the one that @BotFather shows for the bot",
    )


def _out_of_reach(settings: TelegramSettings, error: Exception) -> DependencyError:
    return DependencyError(
        f"Telegram can't be reached at {settings.api_url} ({type(error).__name__})",
        hint="check the network, and TUNEKIN_TELEGRAM_API_URL; HTTPS_PROXY names a proxy",
    )
