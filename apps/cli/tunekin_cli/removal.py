"""``tunekin catalog remove``: take songs out of the catalogue."""

import sys
from collections.abc import Sequence

from rich.console import Console

from tunekin.errors import OptionError
from tunekin.messages import Track
from tunekin_cli import render
from tunekin_cli.chosen_tracks import Chosen
from tunekin_cli.context import Context
from tunekin_cli.tracks_lanes import opened
from tunekin_embedded.progress import LoadProgress

__all__ = ["confirmed", "run"]

# Names that a person reads before they answer; more are counted.
_SHOWN = 20


def run(context: Context, chosen: Chosen, *, kafka: bool, sure: bool, dry_run: bool) -> int:
    """Take songs out of the catalogue.

    Parameters
    ----------
    context : Context
        Folder and settings.
    chosen : Chosen
        Which songs.
    kafka : bool
        Whether workers do it.
    sure : bool
        Whether nobody has to be asked.
    dry_run : bool
        Whether to list them only.

    Returns
    -------
    int
        Exit code: 0, or 1 where a song failed or somebody said no.
    """
    console = Console(stderr=True)
    with opened(context, kafka=kafka, quiet=console.print) as lane:
        tracks = chosen.of(lane.reader)
        if not tracks:
            console.print("no song of the catalogue is meant", highlight=False)
            return 0
        if dry_run:
            render.show_tracks(tracks)
            return 0
        if not confirmed(tracks, sure=sure):
            return 1
        with LoadProgress(total=len(tracks), doing="removing", unit="songs", console=console) as progress:
            for outcome in lane.withdraw(tracks):
                progress.take(outcome)
    progress.print_report()
    return 1 if progress.count("failed") else 0


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
    render.show_tracks(tracks[:_SHOWN], count=len(tracks))
    Console(stderr=True).print("Remove them from the catalogue? Their files stay. [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
