"""What becomes of a record that can't be handled, in the words of the public contract: a failure for its publisher."""

from tunekin.errors import TunekinError
from tunekin.messages import Answer, ClipSubject, Outcome, Problem, Subject, TrackOutcome

__all__ = ["failure", "problem_of"]


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
