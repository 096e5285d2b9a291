"""``tunekin catalog remove``: take songs out of the catalogue."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console

from tunekin import codec
from tunekin.errors import OptionError
from tunekin.messages import Trace, Track, TrackOutcome, TrackSubject, TrackWithdrawn
from tunekin_cli import render
from tunekin_cli.chosen_tracks import Chosen
from tunekin_cli.context import Context
from tunekin_cli.remote_tracks import watching
from tunekin_cli.servers import Servers
from tunekin_embedded.parts import Parts
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.withdraw import withdraw

__all__ = ["confirmed", "run", "run_remotely", "withdraw_remotely"]

# Names that a person reads before they answer; more are counted.
_SHOWN = 20


def run(context: Context, chosen: Chosen, *, sure: bool, dry_run: bool) -> int:
    """Take songs out of the catalogue of the home folder.

    Parameters
    ----------
    context : Context
        Folder and settings.
    chosen : Chosen
        Which songs.
    sure : bool
        Whether nobody has to be asked.
    dry_run : bool
        Whether to list them only.

    Returns
    -------
    int
        Exit code: 0, or 1 where somebody said no.
    """
    with Parts(context.home, settings=context.settings) as parts:
        tracks = chosen.of(parts.reader)
        if dry_run or not tracks:
            _list(tracks)
            return 0
        return _report(tracks, withdraw(parts, tracks)) if confirmed(tracks, sure=sure) else 1


def run_remotely(chosen: Chosen, *, sure: bool, dry_run: bool) -> int:
    """Let the workers of a distributed Tunekin take songs out of the catalogue.

    Parameters
    ----------
    chosen : Chosen
        Which songs.
    sure : bool
        Whether nobody has to be asked.
    dry_run : bool
        Whether to list them only.

    Returns
    -------
    int
        Exit code: 0, or 1 where a song failed or somebody said no.
    """
    servers = Servers.read()
    with servers.reader() as reader:
        tracks = chosen.of(reader)
    if dry_run or not tracks:
        _list(tracks)
        return 0
    return _report(tracks, withdraw_remotely(servers, tracks)) if confirmed(tracks, sure=sure) else 1


def withdraw_remotely(servers: Servers, tracks: Iterable[Track]) -> Iterator[TrackOutcome]:
    """Publish that tracks are to leave the catalogue, and follow what comes of it.

    Parameters
    ----------
    servers : Servers
        The brokers.
    tracks : iterable of Track
        The tracks.

    Yields
    ------
    TrackOutcome
        One for each track, in the order in which they are done.

    Raises
    ------
    DependencyError
        No broker answers.
    """
    records = (
        codec.encode(TrackWithdrawn(subject=TrackSubject(track=track), trace=Trace(published_ms=time.time() * 1000)))
        for track in tracks
    )
    with watching(servers.bus()) as outcomes:
        yield from outcomes.of(records)


def confirmed(tracks: Sequence[Track], *, sure: bool) -> bool:
    """Ask whether songs are to be removed.

    Parameters
    ----------
    tracks : sequence of Track
        The songs.
    sure : bool
        Whether nobody has to be asked.

    Returns
    -------
    bool
        Whether to go on.

    Raises
    ------
    OptionError
        There is nobody to ask.
    """
    if sure:
        return True
    if not sys.stdin.isatty():
        msg = f"{len(tracks)} songs would be removed, and there is no terminal to ask at"
        raise OptionError(msg, hint="look with --dry-run, then say --yes")
    _list(tracks)
    Console(stderr=True).print("Remove them from the catalogue? Their files stay. [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _list(tracks: Sequence[Track]) -> None:
    if not tracks:
        Console(stderr=True).print("no song of the catalogue is meant", highlight=False)
        return
    render.show_tracks(tracks[:_SHOWN], count=len(tracks))


def _report(tracks: Sequence[Track], outcomes: Iterable[TrackOutcome]) -> int:
    with LoadProgress(total=len(tracks), doing="removing", unit="songs") as progress:
        for outcome in outcomes:
            progress.take(outcome)
    progress.print_report()
    return 1 if progress.count("failed") else 0
