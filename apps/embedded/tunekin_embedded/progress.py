"""A bulk load as people see it: a progress bar with rate and time left, then a report."""

import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from tunekin.messages import TrackOutcome
from tunekin_embedded.load_report import LoadReport
from tunekin_embedded.sound_files import shown

__all__ = ["LoadProgress"]


class LoadProgress:
    """Progress bar on standard error and report of a bulk load; a context manager.

    Where the load is interrupted, leaving prints the report of what was done until then.

    Parameters
    ----------
    total : int
        Files that are going to be looked at.
    doing : str
        What is done to them, in a word.
    unit : str
        What they are.
    nothing : str
        What is said where there are none.
    report : LoadReport or None
        File that takes what came of each file; none unless it is given.
    console : rich.console.Console or None
        Where to; standard error unless it is given.
    """

    def __init__(
        self,
        *,
        total: int,
        doing: str = "listening",
        unit: str = "files",
        nothing: str = "no sound files found",
        report: LoadReport | None = None,
        console: Console | None = None,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._report = report
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._total = total
        self._unit = unit
        self._nothing = nothing
        self._began_s = time.monotonic()
        self._took_s = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=self._console,
        )
        self._task = self._bar.add_task(doing, total=total, rate="")

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._took_s = time.monotonic() - self._began_s
        self._bar.stop()
        if isinstance(error, KeyboardInterrupt):
            self.print_report()
            self._console.print("stopped; the same command goes on from here", highlight=False)

    def count(self, status: str) -> int:
        """How many files ended so.

        Parameters
        ----------
        status : str
            Status of a `TrackOutcome`.

        Returns
        -------
        int
            Files so far.
        """
        return self._counts[status]

    def take(self, outcome: TrackOutcome) -> None:
        """Show that one more file is done, and write it to the report; a failure is a line of its own.

        Parameters
        ----------
        outcome : TrackOutcome
            What came of it.
        """
        self._counts[outcome.status] += 1
        if self._report is not None:
            self._report.take(outcome)
        if outcome.error is not None:
            line = Text.assemble(("failed ", "bold red"), shown(outcome.source_uri), f": {outcome.error.message}")
            self._reasons[outcome.error.code, outcome.error.hint] += 1
            if outcome.error.hint:
                line.append(f" ({outcome.error.hint})", style="dim")
            self._bar.console.print(line, soft_wrap=True)
        done = self._counts.total()
        self._bar.update(self._task, completed=done)
        self._bar.update(self._task, rate=f"{self._rate(done):.1f} {self._unit}/s")

    def say(self, words: str) -> None:
        """Print a line above the bar.

        Parameters
        ----------
        words : str
            The line.
        """
        self._bar.console.print(words, highlight=False, markup=False, soft_wrap=True)

    def _rate(self, done: int) -> float:
        """Files a second: of late, once that is known."""
        (task,) = self._bar.tasks
        return task.speed or done / max(time.monotonic() - self._began_s, 0.001)

    def print_report(self) -> None:
        """Print how many files ended how, and where many failed, of what and what to do."""
        if self._counts["failed"] > 1:
            for (code, hint), count in self._reasons.most_common():
                words = f"{count:>6} {code}" + (f": {hint}" if hint else "")
                self._console.print(words, highlight=False, markup=False, soft_wrap=True)
        names = {
            "added": "added",
            "updated": "updated",
            "unchanged": "already there",
            "removed": "removed",
            "absent": "not there",
            "failed": "failed",
        }
        said = [f"{self._counts[status]} {words}" for status, words in names.items() if self._counts[status]]
        what = ", ".join(said) or self._nothing
        seen = f"{self._counts.total()} of {self._total}" if self._counts.total() < self._total else f"{self._total}"
        self._console.print(f"{what}; {seen} {self._unit} in {self._took_s:.0f} s", highlight=False)
