"""The report of a bulk load as a file."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tunekin.errors import OptionError
from tunekin.messages import Problem, TrackOutcome
from tunekin_embedded.load_report import COLUMNS, LoadReport

OUTCOMES = [
    TrackOutcome(track_id="a", source_uri="file:///music/%EB%85%B8%EB%9E%98%2C%20%221%22.mp3", status="added"),
    TrackOutcome(
        track_id="b",
        source_uri="https://radio.example/x",
        status="failed",
        error=Problem(code="message.invalid", message="not here", hint="look there"),
    ),
]
ROWS = [
    dict(zip(COLUMNS, ('/music/노래, "1".mp3', "added", "a", "", "", ""), strict=True)),
    dict(
        zip(
            COLUMNS,
            ("https://radio.example/x", "failed", "b", "message.invalid", "not here", "look there"),
            strict=True,
        )
    ),
]


def read(path: Path) -> Any:
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["report.csv", "report.JSON"])
def test_a_report_has_a_row_for_each_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with LoadReport(path) as report:
        for outcome in OUTCOMES:
            report.take(outcome)
    assert read(path.rename(path.with_suffix(path.suffix.lower()))) == ROWS


def test_a_report_of_nothing_is_empty(tmp_path: Path) -> None:
    with LoadReport(tmp_path / "empty.json"):
        pass
    assert read(tmp_path / "empty.json") == []


def test_what_was_done_is_there_while_the_load_goes_on(tmp_path: Path) -> None:
    with LoadReport(tmp_path / "report.csv") as report:
        report.take(OUTCOMES[0])
        assert read(tmp_path / "report.csv") == ROWS[:1]


def test_a_report_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"neither \.csv nor \.json"):
        LoadReport(tmp_path / "report.txt")
    with pytest.raises(OptionError, match="can't be written: No such file"):
        LoadReport(tmp_path / "no folder" / "report.csv")
