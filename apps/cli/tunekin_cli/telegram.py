"""``tunekin telegram``: the bot, over the catalogue of the home folder or in front of the workers."""

from rich.console import Console

from tunekin.settings import forbid_unknown, read
from tunekin_cli import backends
from tunekin_cli.context import Context
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_embedded.settings import GROUPS
from tunekin_telegram.serve import serve
from tunekin_telegram.settings import TelegramSettings
from tunekin_web.backend import Backend

__all__ = ["run", "run_remotely"]

_SOURCE = "/tunekin/telegram"


def run(context: Context) -> None:
    """Answer until SIGINT or SIGTERM.

    Parameters
    ----------
    context : Context
        Folder and settings.
    """
    forbid_unknown((*GROUPS, TelegramSettings))
    settings = _settings()
    with backends.embedded(context) as backend:
        _serve(backend, settings)


def run_remotely(context: Context) -> None:
    """Answer in front of the workers of a distributed Tunekin, until SIGINT or SIGTERM.

    Parameters
    ----------
    context : Context
        Which model classifiers follow.

    Raises
    ------
    DependencyError
        No broker answers, or a topic is missing.
    """
    forbid_unknown((*GROUPS, *SERVER_GROUPS, TelegramSettings))
    settings = _settings()
    with backends.remote(context, source=_SOURCE, patience_s=settings.answer_s) as backend:
        _serve(backend, settings)


def _settings() -> TelegramSettings:
    settings = read(TelegramSettings)
    settings.check()
    return settings


def _serve(backend: Backend, settings: TelegramSettings) -> None:
    console = Console(stderr=True)
    serve(
        backend,
        settings=settings,
        ready=lambda name: console.print(f"Tunekin answers in Telegram as {name} (Ctrl-C ends it)", highlight=False),
    )
