"""What the gateway stands in front of: a catalogue, and what answers clips by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.tastes import Tastes
from tunekin_embedded.clip_lane import ClipLane
from tunekin_embedded.parts import Parts
from tunekin_web.desk import Answering
from tunekin_web.operations import Operations
from tunekin_web.subsonic.sounds import ServerSounds

__all__ = ["Backend"]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One process that does it all, or the workers of a distributed Tunekin.

    Attributes
    ----------
    reader : CatalogueReader
        Reads the catalogue.
    tastes : Tastes
        Keeps what visitors like and dislike.
    remove : callable
        Takes a track out of the catalogue, by its id; gives a version of the catalogue without it, or None where it is
        on its way out.
    model_version : callable
        Says by which mood model clips are judged at present.
    answering : callable
        Makes what answers; called in the thread that then uses it.
    answerers : int
        How many of those work at a time.
    operations : Operations or None
        The workers, where they are other processes.
    sounds : ServerSounds or None
        Fetches songs that live at a Subsonic server; None where they are not played.
    """

    reader: CatalogueReader
    tastes: Tastes
    remove: Callable[[str], int | None]
    model_version: Callable[[], str]
    answering: Callable[[], Answering]
    answerers: int = 1
    operations: Operations | None = None
    sounds: ServerSounds | None = None

    @classmethod
    def of(cls, parts: Parts) -> Self:
        """Let this process answer, one clip at a time.

        Parameters
        ----------
        parts : Parts
            Catalogue and model; outlives the gateway.

        Returns
        -------
        Backend
            Over the home folder of the parts.
        """
        return cls(
            reader=parts.reader,
            tastes=parts.tastes,
            remove=lambda track_id: parts.writer.remove(track_id).catalogue_version,
            model_version=lambda: parts.model_version,
            answering=lambda: ClipLane(parts),
        )
