"""``tunekin serve``: the page and the REST API, over the catalogue of the home folder or in front of the workers."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tunekin.settings import forbid_unknown, read
from tunekin_cli import backends
from tunekin_cli.context import Context
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_embedded.settings import GROUPS
from tunekin_embedded.subsonic.server import Server
from tunekin_embedded.subsonic.settings import SubsonicSettings
from tunekin_web.backend import Backend
from tunekin_web.serve import serve
from tunekin_web.settings import WebSettings
from tunekin_web.subsonic.sounds import ServerSounds

__all__ = ["run", "run_remotely"]

_SOURCE = "/tunekin/web"


def run(context: Context, *, host: str | None, port: int | None) -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    context : Context
        Folder and settings.
    host : str or None
        Address in place of the setting's.
    port : int or None
        Port in place of the setting's.
    """
    forbid_unknown((*GROUPS, SubsonicSettings, WebSettings))
    settings = _settings(host=host, port=port)
    with _sounds(context, settings) as sounds, backends.embedded(context) as backend:
        _serve(replace(backend, sounds=sounds), settings)


def run_remotely(context: Context, *, host: str | None, port: int | None) -> None:
    """Serve in front of the workers of a distributed Tunekin, until SIGINT or SIGTERM.

    Parameters
    ----------
    context : Context
        Which model classifiers follow.
    host : str or None
        Address in place of the setting's.
    port : int or None
        Port in place of the setting's.

    Raises
    ------
    DependencyError
        No broker answers, or a topic is missing.
    """
    forbid_unknown((*GROUPS, *SERVER_GROUPS, SubsonicSettings, WebSettings))
    settings = _settings(host=host, port=port)
    with (
        _sounds(context, settings) as sounds,
        backends.remote(context, source=_SOURCE, patience_s=settings.answer_s) as backend,
    ):
        _serve(replace(backend, sounds=sounds), settings)


def _settings(*, host: str | None, port: int | None) -> WebSettings:
    named = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return read(WebSettings).model_copy(update=named)


@contextlib.contextmanager
def _sounds(context: Context, settings: WebSettings) -> Iterator[ServerSounds | None]:
    """Let songs be played that live at a Subsonic server, where the settings name it and have a login to it."""
    login = read(SubsonicSettings)
    if not (settings.subsonic_library and settings.playback and login.is_set):
        yield None
        return
    with (
        # Whoever wants to listen does not wait for long.
        Server(settings.subsonic_library, login, attempts=1) as server,
        tempfile.TemporaryDirectory(prefix="tunekin-") as folder,
    ):
        yield ServerSounds(server, folder=Path(folder), max_bytes=context.settings.ingest.max_bytes)


def _serve(backend: Backend, settings: WebSettings) -> None:
    console = Console(stderr=True)
    serve(
        backend,
        settings=settings,
        ready=lambda address: console.print(f"Tunekin listens at {address} (Ctrl-C ends it)", highlight=False),
    )
