"""What the page and the bot stand in front of: this process, or the workers of a distributed Tunekin."""

import contextlib
from collections.abc import Iterator

from tunekin import codec
from tunekin.catalogue.records import Removed
from tunekin.client import Client
from tunekin.messages import CatalogueChange
from tunekin_classifier.adapters.model_store import FollowedModel
from tunekin_cli.context import Context
from tunekin_cli.servers import Servers
from tunekin_embedded.parts import Parts
from tunekin_web.backend import Backend
from tunekin_web.operations import KafkaOperations
from tunekin_web.remote_lane import RemoteLane

__all__ = ["embedded", "remote"]

# Clips on their way through the workers at a time; each holds a thread that waits.
_ANSWERERS = 64


@contextlib.contextmanager
def embedded(context: Context) -> Iterator[Backend]:
    """Answer in this process, by the catalogue of the home folder.

    Parameters
    ----------
    context : Context
        Folder and settings.

    Yields
    ------
    Backend
        Open until the block ends.
    """
    with Parts(context.home, settings=context.settings) as parts:
        yield Backend.of(parts)


@contextlib.contextmanager
def remote(context: Context, *, source: str, patience_s: float) -> Iterator[Backend]:
    """Have the workers of a distributed Tunekin answer, by its catalogue.

    Parameters
    ----------
    context : Context
        Which model classifiers follow.
    source : str
        What the clips' names begin with.
    patience_s : float
        How long an answer may take.

    Yields
    ------
    Backend
        Open until the block ends.

    Raises
    ------
    DependencyError
        No broker answers, or a topic is missing.
    """
    servers = Servers.read()
    models = FollowedModel(context.settings.classifier.model)
    with contextlib.ExitStack() as closing:
        reader = closing.enter_context(servers.reader())
        writer = closing.enter_context(servers.writer())
        tastes = closing.enter_context(servers.tastes())
        bus = servers.bus(traced_as=source.strip("/").replace("/", "-"))
        changes = closing.enter_context(contextlib.closing(bus.producer()))
        client = closing.enter_context(Client(bus, blobs=servers.blob_store(), source=source))

        def remove(track_id: str) -> Removed:
            removed = writer.remove(track_id)
            version = removed.catalogue_version
            change = CatalogueChange(track_id=track_id, change="removed", catalogue_version=version)
            changes.send(codec.encode(change)).result()
            return removed

        yield Backend(
            reader=reader,
            tastes=tastes,
            remove=remove,
            model_version=lambda: models.latest().manifest.version,
            answering=lambda: RemoteLane(client, patience_s=patience_s),
            answerers=_ANSWERERS,
            operations=KafkaOperations(servers.kafka, servers.dead_letters()),
        )
