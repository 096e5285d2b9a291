"""``tunekin catalog add --watch``: keep the catalogue in line with folders while they change."""

import contextlib
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import watchfiles
from rich.console import Console

from tunekin.messages import Track
from tunekin_cli.catalog import reporting
from tunekin_cli.context import Context
from tunekin_cli.rescan import checked, do, plan_for
from tunekin_cli.settling import Settling
from tunekin_cli.tracks_lanes import TracksLane, opened
from tunekin_embedded.load_report import LoadReport
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.sound_files import EXTENSIONS, find, local_path, shown

__all__ = ["Keeper", "run"]

# Copying programs write without a pause as long as that.
_QUIET_S = 2.0
_TICK_MS = 1_000
# Network folders tell nothing of what other machines do, and what tells may lose some when very much happens at once.
_RESCAN_S = 3_600.0


def run(context: Context, folders: Sequence[Path], *, kafka: bool, remove: bool, report: Path | None) -> None:
    """Take folders up, and then whatever changes in them, until interrupted or told to end.

    Parameters
    ----------
    context : Context
        Folder and settings.
    folders : sequence of pathlib.Path
        Folders of music.
    kafka : bool
        Whether workers do it.
    remove : bool
        Whether songs whose files are gone leave the catalogue.
    report : pathlib.Path or None
        File for what came of each file.
    """
    console = Console(stderr=True)
    roots = checked(folders)
    # Whoever runs services ends them so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Begins to watch when it is first asked, so before anything is looked at.
    changes = watchfiles.watch(
        *roots, rust_timeout=_TICK_MS, yield_on_timeout=True, watch_filter=None, raise_interrupt=True
    )
    with reporting(report) as taken, opened(context, kafka=kafka, quiet=console.print) as lane:
        keeper = Keeper(lane, roots, remove=remove, report=taken, console=console)
        with contextlib.closing(changes):
            for told in changes:
                keeper.take(Path(path) for _, path in told)


class Keeper:
    """Keeps a catalogue in line with folders.

    Parameters
    ----------
    lane : TracksLane
        Does it.
    roots : sequence of pathlib.Path
        The folders.
    remove : bool
        Whether songs whose files are gone leave the catalogue.
    report : LoadReport or None
        Takes what came of each file.
    console : rich.console.Console
        Where it is told.
    """

    def __init__(
        self,
        lane: TracksLane,
        roots: Sequence[Path],
        *,
        remove: bool,
        report: LoadReport | None,
        console: Console,
    ) -> None:
        self._lane = lane
        self._roots = roots
        self._remove = remove
        self._report = report
        self._console = console
        self._settling = Settling(quiet_s=_QUIET_S, clock=time.monotonic)
        self._missed: set[str] = set()
        self._next_scan_s = -float("inf")

    def take(self, changed: Iterable[Path]) -> None:
        """Take up what has settled; once at the start, and once an hour, everything.

        1. Note what changed, and what lies in folders that did.
        2. Look at everything where it is time for that, else at what has settled.

        Parameters
        ----------
        changed : iterable of pathlib.Path
            Files and folders that changed.

        Raises
        ------
        OptionError
            A folder is gone: perhaps its disk is away, and its songs are not.
        """
        # Step 1
        self._settling.touch(path for one in changed for path in self._wanted(one))
        # Step 2
        settled = self._settling.settled()
        if time.monotonic() >= self._next_scan_s:
            first, self._next_scan_s = self._next_scan_s < 0, time.monotonic() + _RESCAN_S
            self._bring_in_line(self._roots)
            if first:
                folders = ", ".join(map(str, self._roots))
                self._console.print(f"watching {folders} (Ctrl-C ends it)", highlight=False, soft_wrap=True)
        elif settled:
            self._bring_in_line(settled)

    def _bring_in_line(self, places: Sequence[Path]) -> None:
        checked(self._roots)
        made = plan_for(self._lane, places, roots=self._roots)
        gone = list(self._lane.reader.tracks(source.track_id for source in made.gone).values())
        if not self._remove:
            self._tell_gone(gone)
            gone = []
        total = len(made.hear) + len(made.move) + len(gone)
        if not total:
            return
        with LoadProgress(total=total, report=self._report, console=self._console) as progress:
            for outcome in do(self._lane, made, gone=gone):
                progress.take(outcome)
        progress.print_report()

    def _tell_gone(self, tracks: Iterable[Track]) -> None:
        for track in tracks:
            if track.track_id not in self._missed:
                self._missed.add(track.track_id)
                self._console.print(f"gone {shown(track.source_uri)}", highlight=False, markup=False, soft_wrap=True)

    def _wanted(self, path: Path) -> Iterator[Path]:
        """Paths that a change of a path may be of."""
        inside = next((path.relative_to(root) for root in self._roots if path.is_relative_to(root)), path)
        if any(part.startswith(".") for part in inside.parts):
            return
        if path.suffix.lower() in EXTENSIONS or not path.exists():
            yield path
        if path.is_dir():
            # What was put there before anybody watched it.
            yield from (local_path(track.source_uri) for track in find(path))
