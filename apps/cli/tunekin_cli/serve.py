"""``tunekin serve``: the page and the REST API over the catalogue of the home folder."""

from rich.console import Console

from tunekin.settings import forbid_unknown, read
from tunekin_cli.context import Context
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import GROUPS
from tunekin_web.serve import serve
from tunekin_web.settings import WebSettings

__all__ = ["run"]


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
    named = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = read(WebSettings).model_copy(update=named)
    console = Console(stderr=True)
    with Parts(context.home, settings=context.settings) as parts:
        serve(
            parts,
            settings=settings,
            ready=lambda address: console.print(f"Tunekin listens at {address} (Ctrl-C ends it)", highlight=False),
        )
