"""``tunekin serve``: the page and the REST API, over the catalogue of the home folder or in front of the workers."""

from rich.console import Console

from tunekin.settings import forbid_unknown, read
from tunekin_cli import backends
from tunekin_cli.context import Context
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_embedded.settings import GROUPS
from tunekin_web.backend import Backend
from tunekin_web.serve import serve
from tunekin_web.settings import WebSettings

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
    forbid_unknown((*GROUPS, WebSettings))
    settings = _settings(host=host, port=port)
    with backends.embedded(context) as backend:
        _serve(backend, settings)


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
    forbid_unknown((*GROUPS, *SERVER_GROUPS, WebSettings))
    settings = _settings(host=host, port=port)
    with backends.remote(context, source=_SOURCE, patience_s=settings.answer_s) as backend:
        _serve(backend, settings)


def _settings(*, host: str | None, port: int | None) -> WebSettings:
    named = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return read(WebSettings).model_copy(update=named)


def _serve(backend: Backend, settings: WebSettings) -> None:
    console = Console(stderr=True)
    serve(
        backend,
        settings=settings,
        ready=lambda address: console.print(f"Tunekin listens at {address} (Ctrl-C ends it)", highlight=False),
    )
