"""``tunekin catalog rescan``: bring the catalogue in line with the files that it was made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.console import Console

from tunekin.blobs import is_within
from tunekin.catalogue.records import StoredFeatures
from tunekin.errors import OptionError
from tunekin.features import FEATURES
from tunekin.messages import Track, TrackOutcome
from tunekin_cli.catalog import reporting
from tunekin_cli.context import Context
from tunekin_cli.removal import confirmed
from tunekin_cli.tracks_lanes import TracksLane, opened
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.rescan import Plan, named, names_of, plan
from tunekin_embedded.sound_files import find, shown

__all__ = ["checked", "do", "plan_for", "run"]


def run(
    context: Context,
    folders: Sequence[Path],
    *,
    kafka: bool,
    remove: bool,
    sure: bool,
    thorough: bool,
    report: Path | None,
) -> int:
    """Find what changed, was moved or is gone, and what is new; take it up.

    Parameters
    ----------
    context : Context
        Folder and settings.
    folders : sequence of pathlib.Path
        Where to look; the files of all tracks, and no new ones, where none is given.
    kafka : bool
        Whether workers do it.
    remove : bool
        Whether songs whose files are gone leave the catalogue.
    sure : bool
        Whether nobody has to be asked before that.
    thorough : bool
        Whether to compare the bytes of every file.
    report : pathlib.Path or None
        File for what came of each file.

    Returns
    -------
    int
        Exit code: 0, or 1 where a file failed or somebody said no.
    """
    console = Console(stderr=True)
    places = checked(folders)
    with reporting(report) as taken, opened(context, kafka=kafka, quiet=console.print) as lane:
        made = plan_for(lane, places, roots=places, thorough=thorough)
        gone = list(lane.reader.tracks(source.track_id for source in made.gone).values())
        for track in () if remove else gone:
            name = f"{track.title or track.track_id} by {track.artist or 'unknown'}"
            console.print(f"gone {shown(track.source_uri)}: {name}", highlight=False, markup=False, soft_wrap=True)
        if remove and gone and not confirmed(gone, sure=sure):
            return 1
        total = len(made.hear) + len(made.move) + (len(gone) if remove else 0)
        with LoadProgress(total=total, nothing="nothing changed", report=taken, console=console) as progress:
            for outcome in do(lane, made, gone=gone if remove else ()):
                progress.take(outcome)
        progress.print_report()
        left = f", {len(gone)} gone, which --remove would take out" if gone and not remove else ""
        console.print(f"{made.same} as they were, {len(made.move)} moved{left}", highlight=False)
    return 1 if progress.count("failed") else 0


def checked(folders: Sequence[Path]) -> list[Path]:
    """See that what is to be looked through is there.

    Parameters
    ----------
    folders : sequence of pathlib.Path
        Folders.

    Returns
    -------
    list of pathlib.Path
        Absolute.

    Raises
    ------
    OptionError
        One is no folder: perhaps its disk is away, and its songs are not.
    """
    for folder in folders:
        if not folder.is_dir():
            msg = f"{folder} is no folder"
            raise OptionError(msg, hint="name folders of music; if its disk is away, bring it back first")
    return [folder.expanduser().absolute() for folder in folders]


def plan_for(lane: TracksLane, places: Sequence[Path], *, roots: Sequence[Path], thorough: bool = False) -> Plan:
    """Compare the catalogue with files.

    Parameters
    ----------
    lane : TracksLane
        Knows the catalogue.
    places : sequence of pathlib.Path
        Folders, and files, that are looked at, whether they are there or not; all tracks' files where there is none.
    roots : sequence of pathlib.Path
        Folders among whose files moved ones may be.
    thorough : bool
        Whether to compare the bytes of every file.

    Returns
    -------
    Plan
        What to do.
    """
    sources = lane.reader.sources()
    names = names_of(sources)
    uris = [place.as_uri() for place in places]
    held = [source for source in sources if not uris or any(is_within(source.source_uri, uri) for uri in uris)]
    known = {source.source_uri for source in sources}
    taken = set(names.values())

    def new(paths: Iterable[Path]) -> Iterator[Track]:
        tracks = {track.source_uri: track for path in paths if path.exists() for track in find(path)}
        return (named(track, names, taken) for uri, track in tracks.items() if uri not in known)

    return plan(held, new(places), elsewhere=lambda: new(roots), thorough=thorough)


def do(lane: TracksLane, made: Plan, *, gone: Sequence[Track]) -> Iterator[TrackOutcome]:
    """Do what was planned.

    Parameters
    ----------
    lane : TracksLane
        Does it.
    made : Plan
        What to do.
    gone : sequence of Track
        Tracks to take out.

    Yields
    ------
    TrackOutcome
        One for each track.
    """
    stored = {one.track.track_id: one for one in lane.reader.stored(made.move, feature_version=FEATURES.name)}
    # What only another feature version has heard is heard again.
    hear = [
        *made.hear,
        *(Track(track_id=track_id, source_uri=uri) for track_id, uri in made.move.items() if track_id not in stored),
    ]
    steps: list[tuple[bool, Callable[[], Iterator[TrackOutcome]]]] = [
        (bool(stored), lambda: lane.rewrite(_moved(one, made.move) for one in stored.values())),
        (bool(hear), lambda: lane.load(hear)),
        (bool(gone), lambda: lane.withdraw(gone)),
    ]
    for wanted, step in steps:
        if wanted:
            yield from step()


def _moved(stored: StoredFeatures, places: Mapping[str, str]) -> StoredFeatures:
    track = stored.track
    return replace(stored, track=msgspec.structs.replace(track, source_uri=places[track.track_id]))
