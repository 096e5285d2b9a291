"""``tunekin serve``: the page and the REST API, over the catalogue of the home folder or in front of the workers."""

import contextlib

from rich.console import Console

from tunekin import codec
from tunekin.catalogue.records import Removed
from tunekin.client import Client
from tunekin.messages import CatalogueChange
from tunekin.settings import forbid_unknown, read
from tunekin_classifier.adapters.model_store import FollowedModel
from tunekin_cli.context import Context
from tunekin_cli.servers import SERVER_GROUPS, Servers
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import GROUPS
from tunekin_web.backend import Backend
from tunekin_web.remote_lane import RemoteLane
from tunekin_web.serve import serve
from tunekin_web.settings import WebSettings

__all__ = ["run", "run_remotely"]

_SOURCE = "/tunekin/web"
# Clips on their way through the workers at a time; each holds a thread that waits.
_ANSWERERS = 64


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
    with Parts(context.home, settings=context.settings) as parts:
        _serve(Backend.of(parts), settings)


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
    servers = Servers.read()
    models = FollowedModel(context.settings.classifier.model)
    with contextlib.ExitStack() as closing:
        reader = closing.enter_context(servers.reader())
        writer = closing.enter_context(servers.writer())
        bus = servers.bus()
        changes = closing.enter_context(contextlib.closing(bus.producer()))
        client = closing.enter_context(Client(bus, blobs=servers.blob_store(), source=_SOURCE))

        def remove(track_id: str) -> Removed:
            removed = writer.remove(track_id)
            version = removed.catalogue_version
            change = CatalogueChange(track_id=track_id, change="removed", catalogue_version=version)
            changes.send(codec.encode(change)).result()
            return removed

        backend = Backend(
            reader=reader,
            remove=remove,
            model_version=lambda: models.latest().manifest.version,
            answering=lambda: RemoteLane(client, patience_s=settings.answer_s),
            answerers=_ANSWERERS,
        )
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
