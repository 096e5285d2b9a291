"""What the page and the bot stand in front of: this process, or the workers of a distributed Tunekin."""

import contextlib
from collections.abc import Iterator

from tunekin.client import Client
from tunekin.errors import DependencyError, NotFoundError
from tunekin.messages import Track
from tunekin.ports import Bus
from tunekin_classifier.adapters.model_store import FollowedModel
from tunekin_cli.context import Context
from tunekin_cli.remote_tracks import watching
from tunekin_cli.servers import Servers
from tunekin_cli.tracks_lanes import withdrawal
from tunekin_embedded.parts import Parts
from tunekin_web.backend import Backend
from tunekin_web.operations import KafkaOperations
from tunekin_web.remote_lane import RemoteLane

__all__ = ["embedded", "remote", "withdrawn"]

# Clips on their way through the workers at a time; each holds a thread that waits.
_ANSWERERS = 64
# How long whoever removes a track waits for that; during a load it may take far longer.
_REMOVAL_S = 10.0


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
        tastes = closing.enter_context(servers.tastes())
        bus = servers.bus(traced_as=source.strip("/").replace("/", "-"))
        client = closing.enter_context(Client(bus, blobs=servers.blob_store(), source=source))
        yield Backend(
            reader=reader,
            tastes=tastes,
            remove=lambda track_id: withdrawn(bus, track_id, patience_s=min(patience_s, _REMOVAL_S)),
            model_version=lambda: models.latest().manifest.version,
            answering=lambda: RemoteLane(client, patience_s=patience_s),
            answerers=_ANSWERERS,
            operations=KafkaOperations(servers.kafka, servers.dead_letters()),
        )


def withdrawn(bus: Bus, track_id: str, *, patience_s: float) -> int | None:
    """Have workers take a track out of the catalogue.

    Parameters
    ----------
    bus : Bus
        Where they are.
    track_id : str
        The track.
    patience_s : float
        How long that may take.

    Returns
    -------
    int or None
        A version of the catalogue without it; None where it is on its way, behind what was published before.

    Raises
    ------
    NotFoundError
        The catalogue does not hold it.
    DependencyError
        The brokers are out of reach, or the workers failed to.
    """
    with watching(bus) as outcomes:
        told = list(outcomes.of([withdrawal(Track(track_id=track_id))], patience_s=patience_s))
    for outcome in told:
        if outcome.error is not None:
            raise DependencyError(f"the track stays: {outcome.error.message}", hint=outcome.error.hint)
        if outcome.status == "absent":
            raise NotFoundError(f"the catalogue holds no track {track_id!r}", hint="somebody else has removed it")
    # Anything else is told of what was published of the track before.
    return next((outcome.catalogue_version for outcome in told if outcome.status == "removed"), None)
