"""Traces: what the worker loop and the producers tell a tracer, and the setting that names who wants to know.

Off, which is the default, nothing is recorded and no library of tracing is imported; whatever trace a publisher began
is passed on all the same, in the header ``ce_traceparent``. `tunekin.telemetry` is what tells a receiver.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tunekin.codec import traceparent_of
from tunekin.errors import SettingsError
from tunekin.outcomes import problem_of
from tunekin.ports import Record
from tunekin.settings import Settings

__all__ = ["NO_TRACER", "Span", "Tracer", "TracingSettings", "during", "tracer_of"]


class TracingSettings(Settings):
    """Who is told of the ways that clips and tracks take; variables begin with ``TUNEKIN_TRACING_``.

    Attributes
    ----------
    endpoint : str
        URL of a receiver of OpenTelemetry's protocol over HTTP, without its path ``/v1/traces``; empty traces nothing.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_TRACING_")

    endpoint: str = Field(default="", pattern=r"^(https?://[^/].*)?$")


class Span(Protocol):
    """A piece of work on one or more records."""

    @property
    def traceparent(self) -> str:
        """W3C trace context that what follows from the work carries; empty where there is no trace."""

    def fail(self, code: str, error: BaseException) -> None:
        """Mark the work as failed.

        Parameters
        ----------
        code : str
            Code of the error, see `tunekin.errors`.
        error : BaseException
            What went wrong.
        """

    def end(self) -> None:
        """Say that the work is over."""


class Tracer(Protocol):
    """Takes note of work; costs its callers no more than the note, whoever is told, and however slowly."""

    def processing(self, records: Sequence[Record]) -> Span:
        """Begin the work on records that were read.

        Parameters
        ----------
        records : sequence of Record
            At least one; the last is what the work waited for, and its trace goes on.

        Returns
        -------
        Span
            The work, to be ended.
        """

    def sending(self, record: Record) -> Span:
        """Begin the delivery of a record.

        Parameters
        ----------
        record : Record
            The record; its trace goes on, or begins here.

        Returns
        -------
        Span
            The work, to be ended once the record is acknowledged.
        """


@contextlib.contextmanager
def during(span: Span) -> Iterator[Span]:
    """End a span with what is done; where that fails, mark it.

    Parameters
    ----------
    span : Span
        The work.

    Yields
    ------
    Span
        The same.
    """
    try:
        yield span
    except Exception as error:
        span.fail(problem_of(error).code, error)
        raise
    finally:
        span.end()


class _Passed:
    """Passes a trace on and records nothing."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def fail(self, code: str, error: BaseException) -> None:
        pass

    def end(self) -> None:
        pass


class _NoTracer:
    """Records nothing."""

    def processing(self, records: Sequence[Record]) -> Span:
        """Pass the trace of the last record on.

        Parameters
        ----------
        records : sequence of Record
            At least one.

        Returns
        -------
        Span
            Tells nobody.
        """
        return _Passed(traceparent_of(records[-1]))

    def sending(self, record: Record) -> Span:
        """Pass the trace of a record on.

        Parameters
        ----------
        record : Record
            The record.

        Returns
        -------
        Span
            Tells nobody.
        """
        return _Passed(traceparent_of(record))


NO_TRACER: Tracer = _NoTracer()


def tracer_of(settings: TracingSettings, *, service: str, prefix: str = "", group: str = "") -> Tracer:
    """Make the tracer that the settings ask for.

    Parameters
    ----------
    settings : TracingSettings
        Who is told, if anybody.
    service : str
        Name of the program in traces.
    prefix : str
        What comes before the names of topics and groups at the brokers.
    group : str
        Consumer group of the program, without the prefix; empty where it has none.

    Returns
    -------
    Tracer
        One that records nothing, unless there is an endpoint.

    Raises
    ------
    SettingsError
        Tracing is asked for where its libraries are not installed.
    """
    if not settings.endpoint:
        return NO_TRACER
    try:
        from tunekin.telemetry import Telemetry  # noqa: PLC0415 -- a process that is not traced imports none of it
    except ImportError as error:
        raise SettingsError(
            f"TUNEKIN_TRACING_ENDPOINT is set and OpenTelemetry is not installed: {error}",
            hint="install tunekin[tracing], or unset the variable",
        ) from error
    return Telemetry(settings.endpoint, service=service, prefix=prefix, group=group)
