"""The bot over a small catalogue, and the server that it talks to."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.component.loaded import Loaded
from tests.component.telegram.bot_api import PATIENCE_S, TOKEN, BotApi
from tunekin_telegram.serve import converse
from tunekin_telegram.settings import TelegramSettings
from tunekin_web.backend import Backend


@dataclass(frozen=True)
class Running:
    """A bot in a thread of its own.

    Attributes
    ----------
    pauses : list of float
        What it waited before it asked Telegram again, in seconds.
    thread : Thread
        Ends with it.
    """

    pauses: list[float]
    thread: threading.Thread


@contextlib.contextmanager
def running(api: BotApi, backend: Backend, **settings: Any) -> Iterator[Running]:
    """Run the bot; what ends it is raised here."""
    given: dict[str, Any] = {"token": TOKEN, "api_url": api.address, "clips_per_minute": 0} | settings
    pauses: list[float] = []
    names: queue.SimpleQueue[Any] = queue.SimpleQueue()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0.01)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        await converse(
            backend,
            settings=TelegramSettings(**given),
            ready=lambda name: names.put(lambda: loop.call_soon_threadsafe(stop.set)),
            stop=stop,
            pause=pause,
        )

    def thread() -> None:
        try:
            asyncio.run(run())
            names.put(None)
        except BaseException as error:  # noqa: BLE001 -- raised where the test is
            names.put(error)

    worker = threading.Thread(target=thread)
    worker.start()
    stop = names.get(timeout=PATIENCE_S)
    if isinstance(stop, BaseException):
        worker.join()
        raise stop
    try:
        yield Running(pauses, worker)
    finally:
        # It may have ended by itself.
        with contextlib.suppress(RuntimeError):
            stop()
        worker.join(PATIENCE_S)
        ended = names.get(timeout=1)
    if ended is not None:
        raise ended


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi().serving() as made:
        yield made


@pytest.fixture(scope="session")
def backend(loaded: Loaded) -> Backend:
    return Backend.of(loaded.parts)


@pytest.fixture
def bot(api: BotApi, backend: Backend) -> Iterator[BotApi]:
    """The server, with the bot at it."""
    with running(api, backend):
        yield api
