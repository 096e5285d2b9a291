"""What becomes of a record that can't be handled: a failure for its publisher, a dead letter for the operator.

A dead letter keeps the original value, key and headers and adds headers that say what happened:

===================  ====================================================
header               meaning
===================  ====================================================
``dl_topic``         topic that the record came from
``dl_partition``     its partition there
``dl_offset``        its offset there
``dl_key``           its key
``dl_stage``         role that gave up
``dl_code``          code of the error, see `tunekin.errors`
``dl_message``       what was wrong
``dl_hint``          what would be right
``dl_failed_ms``     milliseconds since 1970 at which it failed
===================  ====================================================
"""

from tunekin.errors import TunekinError
from tunekin.messages import Answer, ClipSubject, Outcome, Problem, Subject, TrackOutcome
from tunekin.ports import Record
from tunekin.topics import DEAD_LETTERS

__all__ = ["dead_letter", "failure", "problem_of"]


def problem_of(error: Exception) -> Problem:
    """Say an error in the words of the public contract.

    Parameters
    ----------
    error : Exception
        What a handler raised.

    Returns
    -------
    Problem
        Of the error's own words for a `TunekinError`; for a defect, code ``internal`` and its type.
    """
    if isinstance(error, TunekinError):
        return Problem(code=error.code, message=error.message, hint=error.hint)
    return Problem(
        code=TunekinError.code,
        message=f"{type(error).__name__}: {error}",
        hint="this is a defect in Tunekin; the operator finds the record among the dead letters",
    )


def failure(subject: Subject, problem: Problem) -> Outcome:
    """Tell a publisher that its clip or track failed.

    Parameters
    ----------
    subject : Subject
        The clip or track.
    problem : Problem
        Why.

    Returns
    -------
    Outcome
        An `Answer` or a `TrackOutcome` with the status ``failed``.
    """
    if isinstance(subject, ClipSubject):
        return Answer(
            clip_id=subject.clip_id,
            clip_sha256=subject.sha256,
            key=subject.key,
            status="failed",
            error=problem,
            attempt=subject.attempt,
        )
    return TrackOutcome(
        track_id=subject.track.track_id,
        source_uri=subject.track.source_uri,
        status="failed",
        error=problem,
        attempt=subject.attempt,
    )


def dead_letter(record: Record, problem: Problem, *, stage: str, failed_ms: float) -> Record:
    """Keep a failed record for the operator.

    Parameters
    ----------
    record : Record
        The record as it was read.
    problem : Problem
        Why it failed.
    stage : str
        Role that gave up.
    failed_ms : float
        Time of day.

    Returns
    -------
    Record
        Dead letter, keyed by the original's place, so that it is written once.
    """
    place = f"{record.topic}/{record.partition}/{record.offset}"
    added = {
        "dl_topic": record.topic,
        "dl_partition": str(record.partition),
        "dl_offset": str(record.offset),
        "dl_stage": stage,
        "dl_code": problem.code,
        "dl_message": problem.message,
        "dl_hint": problem.hint,
        "dl_failed_ms": f"{failed_ms:.0f}",
    }
    key = () if record.key is None else (("dl_key", record.key),)
    return Record(
        topic=DEAD_LETTERS,
        key=place.encode(),
        value=record.value,
        headers=(*record.headers, *((name, value.encode()) for name, value in added.items()), *key),
    )
