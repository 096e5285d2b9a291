"""Dead letters: the operator's copies of failed records, and how they are sent again.

A dead letter keeps the original value, key and headers and adds headers that say what happened:

===================  ====================================================
header               meaning
===================  ====================================================
``dl_topic``         topic that the record came from
``dl_partition``     its partition there
``dl_offset``        its offset there
``dl_key``           its key
``dl_null``            1 where it had no value
``dl_stage``         role that gave up
``dl_attempt``       attempt that failed
``dl_code``          code of the error, see `tunekin.errors`
``dl_message``       what was wrong
``dl_hint``          what would be right
``dl_failed_ms``     milliseconds since 1970 at which it failed
===================  ====================================================

Its own key is the original's place. The topic is compacted, so a record of that key without a value purges it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tunekin.errors import MessageError
from tunekin.messages import Problem
from tunekin.ports import Record
from tunekin.topics import DEAD_LETTERS

__all__ = ["DeadLetter", "bury", "exhume", "purged", "remaining", "replayed"]

_PREFIX = "dl_"
_ATTEMPT = "ce_attempt"
_ID = "ce_id"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A failed record and what happened to it.

    Attributes
    ----------
    original : Record
        The record as it was read, byte for byte; when it was written is not known.
    stage : str
        Role that gave up.
    attempt : int
        Attempt that failed.
    problem : Problem
        Why it failed.
    failed_ms : float
        Time of day.
    """

    original: Record
    stage: str
    attempt: int
    problem: Problem
    failed_ms: float

    @property
    def key(self) -> str:
        """Name of the letter: topic, partition and offset of the original."""
        return f"{self.original.topic}/{self.original.partition}/{self.original.offset}"


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
    said = {name.removeprefix(_PREFIX): value for name, value in record.headers if name.startswith(_PREFIX)}
    try:
        return DeadLetter(
            original=Record(
                topic=said["topic"].decode(),
                key=said.get("key"),
                value=None if "null" in said else record.value,
                headers=tuple((name, value) for name, value in record.headers if not name.startswith(_PREFIX)),
                partition=int(said["partition"]),
                offset=int(said["offset"]),
            ),
            stage=said["stage"].decode(),
            attempt=int(said.get("attempt", b"1")),
            problem=Problem(
                code=said["code"].decode(), message=said["message"].decode(), hint=said.get("hint", b"").decode()
            ),
            failed_ms=float(said["failed_ms"]),
        )
    except (KeyError, ValueError) as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        raise MessageError(
            f"the record {place} is no dead letter of Tunekin: {type(error).__name__} {error}",
            hint="only Tunekin's workers write to this topic",
        ) from error


def remaining(records: Iterable[Record]) -> list[DeadLetter]:
    """Fold the topic's records into the letters that stand.

    Parameters
    ----------
    records : iterable of Record
        The topic's records from the first to the last.

    Returns
    -------
    list of DeadLetter
        Those that were not purged, the oldest first.

    Raises
    ------
    MessageError
        A record is no dead letter.
    """
    standing: dict[bytes | None, Record] = {}
    for record in records:
        standing.pop(record.key, None)
        if record.value is not None:
            standing[record.key] = record
    return [exhume(record) for record in standing.values()]


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
    return replace(original, headers=tuple(headers), partition=-1, offset=-1)


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
