"""Dead letters: the operator's copies of failed records, and how they are sent again.

A dead letter keeps the original value, key and headers, byte for byte, and adds headers that say what happened, behind
the original's own:

===================  ====================================================
header               meaning
===================  ====================================================
``dl_topic``         topic that the record came from
``dl_partition``     its partition there
``dl_offset``        its offset there
``dl_key``           its key
``dl_null``          1 where it had no value
``dl_headers``       how many headers it had: the first ones here, whatever their names
``dl_timestamp_ms``  milliseconds since 1970 at which it was written
``dl_stage``         role that gave up
``dl_attempt``       attempt that failed
``dl_code``          code of the error, see `tunekin.errors`
``dl_message``       what was wrong
``dl_hint``          what would be right
``dl_failed_ms``     milliseconds since 1970 at which it failed
===================  ====================================================

Its own key is the original's place. The topic is compacted, so a record of that key without a value purges it.
"""

import base64
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tunekin.errors import MessageError, NotFoundError, OptionError
from tunekin.messages import Problem
from tunekin.ports import Record
from tunekin.topics import DEAD_LETTERS

__all__ = [
    "EVERY",
    "Chosen",
    "DeadLetter",
    "bury",
    "document",
    "exhume",
    "is_replay",
    "parse_time",
    "purged",
    "replayed",
    "standing",
]

_PREFIX = "dl_"
_ATTEMPT = "ce_attempt"
_ID = "ce_id"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A failed record and what happened to it.

    Attributes
    ----------
    original : Record
        The record as it was read, byte for byte.
    stage : str
        Role that gave up.
    attempt : int
        Attempt that failed.
    problem : Problem
        Why it failed.
    failed_ms : float
        Time of day.
    place : tuple of (int, int)
        Partition and offset of the letter itself; -1 before it is sent.
    """

    original: Record
    stage: str
    attempt: int
    problem: Problem
    failed_ms: float
    place: tuple[int, int] = (-1, -1)

    @property
    def key(self) -> str:
        """Name of the letter: topic, partition and offset of the original."""
        return f"{self.original.topic}/{self.original.partition}/{self.original.offset}"

    @property
    def failed_at(self) -> str:
        """When it failed, in ISO 8601, to the second."""
        return dt.datetime.fromtimestamp(self.failed_ms / 1000, tz=dt.UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which dead letters are meant; what is unset leaves none out.

    Attributes
    ----------
    keys : tuple of str
        Names of letters.
    code : str or None
        Code of their error.
    stage : str or None
        Role that gave up.
    since_s, until_s : float or None
        Times of day between which they failed, in seconds since 1970.
    """

    keys: tuple[str, ...] = ()
    code: str | None = None
    stage: str | None = None
    since_s: float | None = None
    until_s: float | None = None

    def of(self, letters: Iterable[DeadLetter]) -> Iterator[DeadLetter]:
        """Choose; where letters are named, no more are asked for once all of these are found.

        Parameters
        ----------
        letters : iterable of DeadLetter
            All of them.

        Yields
        ------
        DeadLetter
            Those that are meant.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        """
        missing = set(self.keys)
        for letter in letters:
            missing.discard(letter.key)
            if self._holds(letter):
                yield letter
            if self.keys and not missing:
                return
        if missing:
            raise NotFoundError(
                f"there is no dead letter {', '.join(sorted(missing))}", hint="`tunekin dlq list` shows which there are"
            )

    def _holds(self, letter: DeadLetter) -> bool:
        failed_s = letter.failed_ms / 1000
        return (
            (not self.keys or letter.key in self.keys)
            and self.code in {None, letter.problem.code}
            and self.stage in {None, letter.stage}
            and (self.since_s is None or failed_s >= self.since_s)
            and (self.until_s is None or failed_s <= self.until_s)
        )

    @property
    def is_everything(self) -> bool:
        """Whether nothing was said that leaves a letter out."""
        return self == EVERY


EVERY = Chosen()


def bury(record: Record, problem: Problem, *, stage: str, attempt: int, failed_ms: float) -> Record:
    """Keep a failed record for the operator.

    Parameters
    ----------
    record : Record
        The record as it was read.
    problem : Problem
        Why it failed.
    stage : str
        Role that gave up.
    attempt : int
        Attempt that failed.
    failed_ms : float
        Time of day.

    Returns
    -------
    Record
        Dead letter, keyed by the original's place, so that it is kept once.
    """
    letter = DeadLetter(original=record, stage=stage, attempt=attempt, problem=problem, failed_ms=failed_ms)
    added = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "headers": str(len(record.headers)),
        "timestamp_ms": str(record.timestamp_ms),
        "stage": stage,
        "attempt": str(attempt),
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "failed_ms": f"{failed_ms:.0f}",
    }
    key = () if record.key is None else ((f"{_PREFIX}key", record.key),)
    null = ((f"{_PREFIX}null", b"1"),) if record.value is None else ()
    return Record(
        topic=DEAD_LETTERS,
        key=letter.key.encode(),
        # A record without a value would purge the letter.
        value=record.value or b"",
        headers=(
            *record.headers,
            *((f"{_PREFIX}{name}", value.encode()) for name, value in added.items()),
            *key,
            *null,
        ),
    )


def exhume(record: Record) -> DeadLetter:
    """Read a dead letter.

    Parameters
    ----------
    record : Record
        A record of the topic of dead letters, with a value.

    Returns
    -------
    DeadLetter
        The original and what happened to it.

    Raises
    ------
    MessageError
        The record is no dead letter of Tunekin's.
    """
    count, said = _parted(record)
    try:
        return DeadLetter(
            original=Record(
                topic=said["topic"].decode(),
                key=said.get("key"),
                value=None if "null" in said else record.value,
                headers=record.headers[:count],
                partition=int(said["partition"]),
                offset=int(said["offset"]),
                timestamp_ms=int(said.get("timestamp_ms", b"0")),
            ),
            stage=said["stage"].decode(),
            attempt=int(said.get("attempt", b"1")),
            problem=Problem(
                code=said["code"].decode(), message=said["message"].decode(), hint=said.get("hint", b"").decode()
            ),
            failed_ms=float(said["failed_ms"]),
            place=(record.partition, record.offset),
        )
    except (KeyError, ValueError) as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        raise MessageError(
            f"the record {place} is no dead letter of Tunekin: {type(error).__name__} {error}",
            hint="only Tunekin's workers write to this topic",
        ) from error


def _parted(record: Record) -> tuple[int, dict[str, bytes]]:
    """Count the headers of the original, and read those that were added."""
    own = [(name, value) for name, value in record.headers if name.startswith(_PREFIX)]
    said = {name.removeprefix(_PREFIX): value for name, value in own}
    count = said.get("headers", b"")
    # The first versions did not count, and no header of theirs that began so was an original's.
    first = int(count) if count.isdigit() else len(record.headers) - len(own)
    return first, {name.removeprefix(_PREFIX): value for name, value in record.headers[first:]}


def standing(records: Iterable[Record]) -> Iterator[DeadLetter]:
    """Tell which letters stand.

    Parameters
    ----------
    records : iterable of Record
        The topic's records from the last to the first. Of those of one key the last says whether the letter was purged.

    Yields
    ------
    DeadLetter
        Those that were not purged, the newest first.

    Raises
    ------
    MessageError
        A record is no dead letter.
    """
    seen: set[bytes | None] = set()
    for record in records:
        if record.key in seen:
            continue
        seen.add(record.key)
        if record.value is not None:
            yield exhume(record)


def replayed(letter: DeadLetter) -> Record:
    """Make the record that sends a letter to the stage that failed once more, as the next attempt.

    Parameters
    ----------
    letter : DeadLetter
        The letter.

    Returns
    -------
    Record
        The original's key and value; of its headers only the attempt differs, and a clip that was named by its place
        keeps that name.
    """
    original = letter.original
    headers = [(name, value) for name, value in original.headers if name != _ATTEMPT]
    headers.append((_ATTEMPT, str(letter.attempt + 1).encode()))
    if original.key is None and _ID not in dict(headers):
        headers.append((_ID, letter.key.encode()))
    # Clients send no record with neither key nor value, and one without a value reads as an empty one.
    value = b"" if original.key is None and original.value is None else original.value
    return replace(original, value=value, headers=tuple(headers), partition=-1, offset=-1, timestamp_ms=0)


def is_replay(record: Record) -> bool:
    """Say whether a record is one that was sent once more, by `replayed` or by its publisher.

    Parameters
    ----------
    record : Record
        A record of any topic.

    Returns
    -------
    bool
        Whether it says which attempt it is.
    """
    return any(name == _ATTEMPT for name, _ in record.headers)


def purged(letter: DeadLetter) -> Record:
    """Make the record that forgets a letter.

    Parameters
    ----------
    letter : DeadLetter
        The letter.

    Returns
    -------
    Record
        Tombstone of its key.
    """
    return Record(topic=DEAD_LETTERS, key=letter.key.encode(), value=None)


def document(letter: DeadLetter) -> dict[str, Any]:
    """Describe a letter in plain values, for JSON.

    Parameters
    ----------
    letter : DeadLetter
        The letter.

    Returns
    -------
    dict
        All but the original's value. Its key and headers are exact: as text, and as ``base64`` what is no UTF-8.
    """
    original = letter.original
    return {
        "letter": letter.key,
        "topic": original.topic,
        "partition": original.partition,
        "offset": original.offset,
        "timestamp_ms": original.timestamp_ms,
        **({"key": None} if original.key is None else _exact("key", original.key)),
        "stage": letter.stage,
        "attempt": letter.attempt,
        "code": letter.problem.code,
        "message": letter.problem.message,
        "hint": letter.problem.hint,
        "failed_at": letter.failed_at,
        "bytes": None if original.value is None else len(original.value),
        "headers": [{"name": name, **_exact("value", value)} for name, value in original.headers],
    }


def _exact(name: str, value: bytes) -> dict[str, str]:
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {"key_base64" if name == "key" else "base64": base64.b64encode(value).decode()}


def parse_time(text: str, *, now_s: Callable[[], float]) -> float:
    """Read a time of day, or how long ago one is.

    Parameters
    ----------
    text : str
        ISO 8601, in UTC unless it says otherwise; or a number with ``s``, ``m``, ``h`` or ``d``.
    now_s : callable
        Time of day in seconds.

    Returns
    -------
    float
        Seconds since 1970.

    Raises
    ------
    OptionError
        It is neither.

    Examples
    --------
    >>> parse_time("2h", now_s=lambda: 7_200.0), parse_time("1970-01-02", now_s=float)
    (0.0, 86400.0)
    """
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    if text[-1:] in units and text[:-1].isdecimal():
        return now_s() - int(text[:-1]) * units[text[-1]]
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise OptionError(f"{text!r} is no time", hint="use 30m, 2h, 1d, or 2026-11-25T08:00") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).timestamp()
