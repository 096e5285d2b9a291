"""What became of each file of a bulk load, as a file for spreadsheets or programs."""

import csv
import json
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from tunekin.errors import OptionError
from tunekin.messages import TrackOutcome
from tunekin_embedded.sound_files import shown

__all__ = ["COLUMNS", "LoadReport"]

COLUMNS = ("file", "status", "track_id", "code", "reason", "what_to_do")


class LoadReport:
    """A report that is written while the load goes on, so that what was done is there should it be killed.

    A context manager.

    Parameters
    ----------
    path : pathlib.Path
        CSV where its name ends so, in UTF-8; JSON where it ends so, a list of objects with the same names.

    Raises
    ------
    OptionError
        It is to be of another kind, or can't be written.
    """

    def __init__(self, path: Path) -> None:
        writers: dict[str, type[_Csv | _Json]] = {".csv": _Csv, ".json": _Json}
        if path.suffix.lower() not in writers:
            msg = f"the report {path} is neither .csv nor .json"
            raise OptionError(msg, hint="name it so")
        try:
            # Closed by leaving.
            self._file = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            msg = f"the report {path} can't be written: {error.strerror}"
            raise OptionError(msg, hint="name another file") from error
        self._writer: _Writer = writers[path.suffix.lower()](self._file)

    def take(self, outcome: TrackOutcome) -> None:
        """Write what came of a file.

        Parameters
        ----------
        outcome : TrackOutcome
            What came of it.
        """
        error = outcome.error
        values = (
            shown(outcome.source_uri),
            outcome.status,
            outcome.track_id,
            *((error.code, error.message, error.hint) if error else ("", "", "")),
        )
        self._writer.write(dict(zip(COLUMNS, values, strict=True)))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.end()
        self._file.close()


class _Writer(Protocol):
    def write(self, row: dict[str, str]) -> None: ...

    def end(self) -> None: ...


class _Csv:
    def __init__(self, file: IO[str]) -> None:
        self._rows = csv.DictWriter(file, COLUMNS)
        self._rows.writeheader()

    def write(self, row: dict[str, Any]) -> None:
        self._rows.writerow(row)

    def end(self) -> None:
        """Nothing follows the last row."""


class _Json:
    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._between = "[\n"

    def write(self, row: dict[str, Any]) -> None:
        self._file.write(self._between + json.dumps(row, ensure_ascii=False))
        self._between = ",\n"

    def end(self) -> None:
        self._file.write("[]\n" if self._between.startswith("[") else "\n]\n")
