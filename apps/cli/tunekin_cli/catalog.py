"""``tunekin catalog add`` and ``tunekin catalog list``: put music into the catalogue, and list it."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from tunekin_cli import render, subsonic_songs
from tunekin_cli.chosen_tracks import all_tracks
from tunekin_cli.context import Context
from tunekin_cli.duplicates import found, later_ones
from tunekin_cli.json_output import print_json
from tunekin_cli.tracks_lanes import opened
from tunekin_embedded.load_report import LoadReport
from tunekin_embedded.parts import Parts
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.rescan import named, names_of
from tunekin_embedded.sound_files import find, shown

__all__ = ["add", "add_from_server", "reporting", "show"]


def add(context: Context, paths: Sequence[Path], *, kafka: bool, skip_duplicates: bool, report: Path | None) -> int:
    """Put sound files into the catalogue, with a progress bar and a report.

    Parameters
    ----------
    context : Context
        Folder and settings.
    paths : sequence of pathlib.Path
        Folders, sound files, CSV manifests or M3U playlists.
    kafka : bool
        Whether workers do it.
    skip_duplicates : bool
        Whether to take new songs out again that are there in another encoding.
    report : pathlib.Path or None
        File for what came of each file.

    Returns
    -------
    int
        Exit code: 0, or 1 where a file failed.
    """
    console = Console(stderr=True)
    tracks = [track for path in paths for track in find(path)]
    with reporting(report) as taken, opened(context, kafka=kafka, quiet=console.print) as lane:
        names = names_of(lane.reader.sources())
        taken_ids = set(names.values())
        new: set[str] = set()
        with LoadProgress(total=len(tracks), report=taken, console=console) as progress:
            for outcome in lane.load(named(track, names, taken_ids) for track in tracks):
                progress.take(outcome)
                if outcome.status == "added":
                    new.add(outcome.track_id)
        progress.print_report()
        if skip_duplicates and new:
            again = later_ones(found(lane.reader, of=new), new=new)
            for outcome in lane.withdraw(again):
                said = f"{outcome.status} {shown(outcome.source_uri)}: it is there in another encoding"
                console.print(said, highlight=False, markup=False, soft_wrap=True)
    return 1 if progress.count("failed") else 0


def add_from_server(context: Context, url: str, *, kafka: bool, report: Path | None) -> int:
    """Put the music of a Subsonic server into the catalogue, with a progress bar and a report.

    Parameters
    ----------
    context : Context
        Folder and settings.
    url : str
        Address of the server.
    kafka : bool
        Whether workers do it.
    report : pathlib.Path or None
        File for what came of each song.

    Returns
    -------
    int
        Exit code: 0, or 1 where a song failed.
    """
    console = Console(stderr=True)
    with (
        reporting(report) as taken,
        subsonic_songs.server(url) as server,
        opened(context, kafka=kafka, quiet=console.print) as lane,
    ):
        most = context.settings.ingest.max_bytes
        with subsonic_songs.beside(lane.reader, server, max_bytes=most) as songs:
            twins = 0
            with LoadProgress(total=len(songs), unit="songs", report=taken, console=console) as progress:
                for outcome in lane.load(songs):
                    twins += outcome.status == "unchanged" and songs.was_fetched(outcome.track_id)
                    progress.take(outcome)
            progress.print_report()
            for line in subsonic_songs.remarks(twins=twins, gone=songs.gone()):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
    return 1 if progress.count("failed") else 0


def reporting(report: Path | None) -> contextlib.AbstractContextManager[LoadReport | None]:
    """Open a report.

    Parameters
    ----------
    report : pathlib.Path or None
        Its file.

    Returns
    -------
    context manager
        Of the report, of None where there is to be none.
    """
    return contextlib.nullcontext() if report is None else LoadReport(report)


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
