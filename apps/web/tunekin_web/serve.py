"""Serving: a socket, uvicorn, and the word where to look."""

import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from tunekin.errors import SettingsError
from tunekin_web.backend import Backend
from tunekin_web.gateway import application
from tunekin_web.settings import WebSettings

__all__ = ["serve"]

_BACKLOG = 256


def serve(backend: Backend, *, settings: WebSettings, ready: Callable[[str], None]) -> None:
    """Serve page and API until SIGINT or SIGTERM; clips that wait are answered first. Called in the main thread.

    Parameters
    ----------
    backend : Backend
        Catalogue, and what answers.
    settings : WebSettings
        Where, and how much.
    ready : callable
        Told the page's address, once it can be opened.

    Raises
    ------
    SettingsError
        The address can't be listened at.
    """
    # After its own orderly end uvicorn raises the signal again, for whoever handled it before.
    signal.signal(signal.SIGTERM, _end)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"{settings.host}:{settings.port} can't be listened at: {error.strerror}",
                hint="name another by --host and --port, or TUNEKIN_WEB_HOST and TUNEKIN_WEB_PORT",
            ) from error
        listening.listen(_BACKLOG)
        host = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
        ready(f"http://{host}:{listening.getsockname()[1]}/")
        config = uvicorn.Config(
            application(backend, settings=settings), log_config=None, access_log=False, server_header=False
        )
        uvicorn.Server(config).run(sockets=[listening])


def _end(_: int, __: FrameType | None) -> None:
    """Leave by way of every ``with``, so that nothing stays behind."""
    raise SystemExit(0)
