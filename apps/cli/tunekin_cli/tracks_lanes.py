"""The tracks' lane as commands use it: in this process, or by the workers of a distributed Tunekin."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from tunekin import codec
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import StoredFeatures
from tunekin.features import FEATURES
from tunekin.messages import Trace, Track, TrackOutcome, TrackSubject, TrackWithdrawn
from tunekin.ports import Record
from tunekin_cli.context import Context
from tunekin_cli.remote_load import Publisher
from tunekin_cli.remote_reclassify import record_of
from tunekin_cli.remote_tracks import watching
from tunekin_cli.servers import Servers
from tunekin_embedded.parts import Parts
from tunekin_embedded.reclassify import judge
from tunekin_embedded.sound_files import Fetched
from tunekin_embedded.track_lane import load
from tunekin_embedded.withdraw import withdraw

__all__ = ["TracksLane", "opened", "withdrawal"]


class TracksLane(Protocol):
    """What may be done to the catalogue; each method tells the outcome of each track, as they are done."""

    reader: CatalogueReader

    def load(self, tracks: Iterable[Track | Fetched | TrackOutcome]) -> Iterator[TrackOutcome]:
        """Hear sound files and write what they are; one that the catalogue holds already is passed over.

        Parameters
        ----------
        tracks : iterable of Track, Fetched or TrackOutcome
            Each with an id and the URI of its sound file, other fields where known; or with a file that was fetched for
            this; or what came of it already.

        Returns
        -------
        iterator of TrackOutcome
            One for each.
        """

    def withdraw(self, tracks: Iterable[Track]) -> Iterator[TrackOutcome]:
        """Take tracks out of the catalogue.

        Parameters
        ----------
        tracks : iterable of Track
            The tracks.

        Returns
        -------
        iterator of TrackOutcome
            One for each.
        """

    def rewrite(self, tracks: Iterable[StoredFeatures]) -> Iterator[TrackOutcome]:
        """Write anew what is known of tracks, without hearing them.

        Parameters
        ----------
        tracks : iterable of StoredFeatures
            The tracks, as they are to be called from now on.

        Returns
        -------
        iterator of TrackOutcome
            One for each.
        """


@contextlib.contextmanager
def opened(context: Context, *, kafka: bool, quiet: Callable[[str], None]) -> Iterator[TracksLane]:
    """Open the lane that a command asks for.

    Parameters
    ----------
    context : Context
        Folder and settings.
    kafka : bool
        Whether workers do it, who are found by settings.
    quiet : callable
        Told what may be wrong where workers do not answer.

    Yields
    ------
    TracksLane
        To be used inside the ``with`` block.

    Raises
    ------
    DependencyError
        A server is out of reach.
    """
    if kafka:
        servers = Servers.read()
        with servers.reader() as reader:
            yield _Workers(servers, reader, quiet)
    else:
        with Parts(context.home, settings=context.settings) as parts:
            yield _Home(parts)


class _Home:
    """The lane of the home folder."""

    def __init__(self, parts: Parts) -> None:
        self.reader = parts.reader
        self._parts = parts

    def load(self, tracks: Iterable[Track | Fetched | TrackOutcome]) -> Iterator[TrackOutcome]:
        return load(self._parts, tracks)

    def withdraw(self, tracks: Iterable[Track]) -> Iterator[TrackOutcome]:
        return withdraw(self._parts, tracks)

    def rewrite(self, tracks: Iterable[StoredFeatures]) -> Iterator[TrackOutcome]:
        return judge(self._parts, tracks, latest=self._parts.models.latest)


class _Workers:
    """The lane of a distributed Tunekin."""

    def __init__(self, servers: Servers, reader: CatalogueReader, quiet: Callable[[str], None]) -> None:
        self.reader = reader
        self._servers = servers
        self._quiet = quiet

    def load(self, tracks: Iterable[Track | Fetched | TrackOutcome]) -> Iterator[TrackOutcome]:
        # The catalogue is asked once outcomes are watched: what is written in between is told.
        return self._told(lambda: map(Publisher(self._servers, self._known()).record, tracks))

    def _known(self) -> dict[str, str]:
        return self.reader.contents(FEATURES.name, summary_size=FEATURES.summary_size)

    def withdraw(self, tracks: Iterable[Track]) -> Iterator[TrackOutcome]:
        return self._told(lambda: map(withdrawal, tracks))

    def rewrite(self, tracks: Iterable[StoredFeatures]) -> Iterator[TrackOutcome]:
        return self._told(lambda: map(record_of, tracks))

    def _told(self, records: Callable[[], Iterable[Record | TrackOutcome]]) -> Iterator[TrackOutcome]:
        with watching(self._servers.bus(traced_as="tunekin")) as outcomes:
            yield from outcomes.of(records(), quiet=self._quiet)


def withdrawal(track: Track) -> Record:
    """Make the record that has workers take a track out of the catalogue.

    Parameters
    ----------
    track : Track
        The track.

    Returns
    -------
    Record
        On its way through the whole lane, so that it overtakes nothing that was published of the track before.
    """
    return codec.encode(TrackWithdrawn(subject=TrackSubject(track=track), trace=Trace(published_ms=time.time() * 1000)))
