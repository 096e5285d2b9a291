"""``tunekin catalog``: put music into the catalogue, and list it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tunekin_cli import remote_load, render
from tunekin_cli.chosen_tracks import all_tracks
from tunekin_cli.context import Context
from tunekin_cli.json_output import print_json
from tunekin_cli.servers import Servers
from tunekin_embedded.parts import Parts
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.sound_files import find
from tunekin_embedded.track_lane import load

__all__ = ["add", "add_remotely", "show"]


def add(context: Context, paths: Sequence[Path]) -> int:
    """Put sound files into the catalogue, with a progress bar and a report.

    Parameters
    ----------
    context : Context
        Folder and settings.
    paths : sequence of pathlib.Path
        Folders, sound files, CSV manifests or M3U playlists.

    Returns
    -------
    int
        Exit code: 0, or 1 where a file failed.
    """
    tracks = [track for path in paths for track in find(path)]
    with Parts(context.home, settings=context.settings) as parts, LoadProgress(total=len(tracks)) as progress:
        for outcome in load(parts, tracks):
            progress.take(outcome)
    progress.print_report()
    return 1 if progress.count("failed") else 0


def add_remotely(paths: Sequence[Path]) -> int:
    """Let the workers of a distributed Tunekin put sound files into the catalogue.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Folders, sound files, CSV manifests or M3U playlists.

    Returns
    -------
    int
        Exit code: 0, or 1 where a file failed.
    """
    servers = Servers.read()
    tracks = [track for path in paths for track in find(path)]
    with LoadProgress(total=len(tracks)) as progress:
        for outcome in remote_load.load(servers, tracks, known=remote_load.known_contents(servers)):
            progress.take(outcome)
    progress.print_report()
    return 1 if progress.count("failed") else 0


def show(context: Context, *, as_json: bool) -> None:
    """Print the tracks of the catalogue.

    Parameters
    ----------
    context : Context
        Folder and settings.
    as_json : bool
        Whether to print JSON.
    """
    with Parts(context.home, settings=context.settings) as parts:
        tracks = list(all_tracks(parts.reader))
    if as_json:
        print_json([msgspec.to_builtins(track) for track in tracks])
    else:
        render.show_tracks(tracks)
