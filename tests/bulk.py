"""A bulk load by the workers of an installation while everything that takes part in it is killed."""

import csv
import hashlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.installation import Installation
from tunekin_embedded.sound_files import EXTENSIONS


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a load said of its files.

    Attributes
    ----------
    code : int
        Exit code of the command.
    rows : list of dict
        One for each file, as `tunekin_embedded.load_report` has them.
    said : str
        What stood on standard error.
    """

    code: int
    rows: list[dict[str, str]]
    said: str

    def by_status(self) -> dict[str, set[str]]:
        """Files by what became of them."""
        ordered = sorted(self.rows, key=lambda row: row["status"])
        groups = itertools.groupby(ordered, key=lambda row: row["status"])
        return {status: {row["file"] for row in rows} for status, rows in groups}


def load_while_all_is_killed(
    installation: Installation, folders: Sequence[Path], folder: Path, *, victims: Sequence[str], patience_s: float
) -> tuple[Report, Report]:
    """Load folders; kill each victim after some more files, then the command itself; run the command again.

    The order of the victims is that of the stages: what a stage holds back keeps the load going for those after it.

    Returns
    -------
    tuple of (Report, Report)
        Of the command that was killed, and of the one that ended.
    """
    arguments = [str(Path(sys.executable).parent / "tunekin"), "catalog", "add", "--kafka", *map(str, folders)]
    first, second = folder / "first.csv", folder / "second.csv"
    environment = os.environ | installation.environment
    with installation.supervised():
        with (folder / "first.log").open("w") as log:
            command = subprocess.Popen([*arguments, "--report", str(first)], env=environment, stderr=log)
        for victim in victims:
            await_rows(first, len(rows_of(first)) + 1, patience_s=patience_s)
            assert command.poll() is None, "the load was over before everything had been killed"
            installation.shoot(victim)
        # While the last victim is away, the load can't end.
        assert command.poll() is None, "the load was over before it was killed"
        command.kill()
        command.wait()
        done = subprocess.run(
            [*arguments, "--report", str(second)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=patience_s,
        )
    return (
        Report(code=-9, rows=rows_of(first), said=(folder / "first.log").read_text()),
        Report(code=done.returncode, rows=rows_of(second), said=done.stderr),
    )


def await_rows(report: Path, count: int, *, patience_s: float) -> None:
    """Wait until a report has so many rows; looks often, since small files take little."""
    give_up_s = time.monotonic() + patience_s
    while len(rows_of(report)) < count:
        assert time.monotonic() < give_up_s, f"the report has {len(rows_of(report))} rows, {count} were expected"
        time.sleep(0.02)


def rows_of(report: Path) -> list[dict[str, str]]:
    """Rows of a report, also of one that is being written."""
    if not report.exists():
        return []
    with report.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["what_to_do"] is not None]


def assert_complete(installation: Installation, folders: Sequence[Path], *, broken: Sequence[Path] = ()) -> None:
    """Every file is in the catalogue once, with features, a mood and its own hash; what is broken is not."""
    wanted = {file.as_uri(): _sha256(file) for file in _files(folders) if file not in broken}
    prefixes = [f"{folder.as_uri()}/" for folder in folders]
    rows = installation.query("SELECT source_uri, content_sha256, track_id FROM tracks")
    held = [row for row in rows if row[0].startswith(tuple(prefixes))]
    # Of files with the very same bytes one is a song.
    assert sorted(sha256 for _, sha256, _ in held) == sorted(set(wanted.values()))
    assert {(uri, sha256) for uri, sha256, _ in held} <= set(wanted.items())
    ids = sorted(track_id for _, _, track_id in held)
    for table in ("track_features", "track_moods"):
        there = {row[0] for row in installation.query(f"SELECT track_id FROM {table}")}
        assert set(ids) <= there


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    return (file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix.lower() in EXTENSIONS)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
