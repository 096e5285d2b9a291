"""The music of a Subsonic server, for ``tunekin catalog add --subsonic``."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tunekin.catalogue.reader import CatalogueReader
from tunekin.features import FEATURES
from tunekin.messages import Track
from tunekin.settings import forbid_unknown, read
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_embedded.settings import GROUPS
from tunekin_embedded.sound_files import shown
from tunekin_embedded.subsonic.library import Library
from tunekin_embedded.subsonic.server import Server
from tunekin_embedded.subsonic.settings import SubsonicSettings

__all__ = ["beside", "remarks", "server"]

_MOST_NAMED = 10


def server(url: str) -> Server:
    """Name a server to whom the settings have a login.

    Parameters
    ----------
    url : str
        Its address.

    Returns
    -------
    Server
        Not asked yet.

    Raises
    ------
    OptionError
        It is no address of a server.
    SettingsError
        There is no login, or a setting is wrong.
    """
    forbid_unknown((*GROUPS, *SERVER_GROUPS, SubsonicSettings))
    return Server(url, read(SubsonicSettings))


@contextlib.contextmanager
def beside(reader: CatalogueReader, server: Server, *, max_bytes: int) -> Iterator[Library]:
    """Open a server's library beside what the catalogue has of it.

    Parameters
    ----------
    reader : CatalogueReader
        The catalogue.
    server : Server
        The server.
    max_bytes : int
        Largest file that is fetched.

    Yields
    ------
    Library
        To be walked through once, inside the ``with`` block.

    Raises
    ------
    DependencyError
        The server does not answer, or not to this login.
    """
    _, updates = reader.index_updates(feature_version=FEATURES.name)
    heard = updates.keys() - set(reader.outdated(FEATURES.name, summary_size=FEATURES.summary_size))
    known = {track.track_id: track for track in reader.tracks_from(server.library) if track.track_id in heard}
    with tempfile.TemporaryDirectory(prefix="tunekin-") as spool:
        yield Library(server, known, spool=Path(spool), max_bytes=max_bytes)


def remarks(*, twins: int, gone: list[Track]) -> list[str]:
    """Say what else there is to know after an import.

    Parameters
    ----------
    twins : int
        Songs whose very bytes the catalogue has from elsewhere.
    gone : list of Track
        Songs that the server has no more.

    Returns
    -------
    list of str
        Lines to print.
    """
    lines = []
    if twins:
        lines.append(
            f"in the catalogue from elsewhere, so not known by the server's ids: {twins}; "
            "for those, take the others out with tunekin catalog remove, and import again"
        )
    if gone:
        lines.append(f"songs that are no longer at the server: {len(gone)}; tunekin catalog remove ID takes one out")
        lines += [
            f"  {track.track_id}  {shown(track.source_uri)}  {track.artist} - {track.title}"
            for track in gone[:_MOST_NAMED]
        ]
        if len(gone) > _MOST_NAMED:
            lines.append(f"  and {len(gone) - _MOST_NAMED} more")
    return lines
