"""Traces by OpenTelemetry, told to a receiver over HTTP.

Spans are handed to a thread of their own, which sends them in batches. Its queue is bounded: while the receiver is
down or slow, the newest spans push the oldest out, and the work goes on at its own pace. The end of the process waits
a few seconds for the receiver, no longer.

Names follow OpenTelemetry's conventions for messaging [1]_. Its own variables hold besides: ``OTEL_TRACES_SAMPLER`` and
``OTEL_TRACES_SAMPLER_ARG`` (how many traces are kept), ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_EXPORTER_OTLP_HEADERS``,
``OTEL_EXPORTER_OTLP_CERTIFICATE``, ``OTEL_BSP_…``.

References
----------
.. [1] OpenTelemetry, Semantic Conventions 1.37, Messaging spans; Kafka.
"""

import atexit
import logging
import time
import uuid
from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

import tunekin
from tunekin.codec import traceparent_of
from tunekin.ports import Record

__all__ = ["Telemetry"]

# Longest wait for the receiver to take one batch; the thread that waits does nothing else.
_EXPORT_S = 2.0
# A process that ends sends what is left for no longer than this, and one batch more.
_FAREWELL_S = 2.0
# What the libraries complain of is told once in this time: a receiver may be down for days.
_SILENCE_S = 60.0
_W3C = TraceContextTextMapPropagator()


class Telemetry:
    """A tracer that tells a receiver.

    Parameters
    ----------
    endpoint : str
        URL of the receiver, without its path ``/v1/traces``.
    service : str
        Name of the program.
    prefix : str
        What comes before the names of topics and groups at the brokers.
    group : str
        Consumer group, without the prefix; empty where there is none.
    """

    def __init__(self, endpoint: str, *, service: str, prefix: str = "", group: str = "") -> None:
        self._prefix = prefix
        self._of_group: dict[str, AttributeValue] = {"messaging.consumer.group.name": prefix + group} if group else {}
        _tell_troubles()
        self._exporter = _Leaving(
            OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_S), patience_s=_FAREWELL_S
        )
        resource = Resource.create(
            {
                "service.name": service,
                "service.namespace": "tunekin",
                "service.version": tunekin.__version__,
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("tunekin", tunekin.__version__)
        # Whoever made a tracer need not think of its end: programs leave by many ways.
        atexit.register(self.close)

    def processing(self, records: Sequence[Record]) -> "_Span":
        """Begin the work on records that were read.

        Parameters
        ----------
        records : sequence of Record
            At least one; the work is a child of what sent the last of them, and linked to what sent the others.

        Returns
        -------
        Span
            A span of the kind consumer.
        """
        last = records[-1]
        links = [Link(context) for record in records[:-1] if (context := _context_of(record)).is_valid]
        attributes = self._of_record(last, "process") | self._of_group
        attributes["messaging.destination.partition.id"] = str(last.partition)
        attributes["messaging.kafka.offset"] = last.offset
        if last.timestamp_ms > 0:
            attributes["tunekin.waited_ms"] = max(round(time.time() * 1000 - last.timestamp_ms), 0)
        if len(records) > 1:
            attributes["messaging.batch.message_count"] = len(records)
        return _Span(
            self._tracer.start_span(
                f"process {self._prefix}{last.topic}",
                _W3C.extract({"traceparent": traceparent_of(last)}),
                kind=SpanKind.CONSUMER,
                attributes=attributes,
                links=links,
            )
        )

    def sending(self, record: Record) -> "_Span":
        """Begin the delivery of a record.

        Parameters
        ----------
        record : Record
            The record; its delivery is a child of the trace that it carries.

        Returns
        -------
        Span
            A span of the kind producer.
        """
        return _Span(
            self._tracer.start_span(
                f"send {self._prefix}{record.topic}",
                _W3C.extract({"traceparent": traceparent_of(record)}),
                kind=SpanKind.PRODUCER,
                attributes=self._of_record(record, "send"),
            )
        )

    def close(self) -> None:
        """Send what is left, within a few seconds."""
        atexit.unregister(self.close)
        self._exporter.leave()
        self._provider.shutdown()

    def _of_record(self, record: Record, operation: str) -> dict[str, AttributeValue]:
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.operation.name": operation,
            "messaging.operation.type": operation,
            "messaging.destination.name": self._prefix + record.topic,
            "messaging.message.body.size": len(record.value or b""),
        }
        if record.key is not None:
            attributes["messaging.kafka.message.key"] = record.key.decode(errors="replace")
        return attributes


class _Span:
    """A span of OpenTelemetry as the port has it."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        self.traceparent = _traceparent(span.get_span_context())

    def fail(self, code: str, error: BaseException) -> None:
        self._span.set_attribute("error.type", code)
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, str(error)))

    def end(self) -> None:
        self._span.end()


class _Leaving(SpanExporter):
    """An exporter that, once its process ends, gives up soon.

    Parameters
    ----------
    exporter : SpanExporter
        What sends.
    patience_s : float
        How long it goes on after `leave`, in seconds.
    """

    def __init__(self, exporter: SpanExporter, *, patience_s: float) -> None:
        self._exporter = exporter
        self._patience_s = patience_s
        self._until_s = float("inf")

    def leave(self) -> None:
        """Begin no more after a while."""
        self._until_s = time.monotonic() + self._patience_s

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if time.monotonic() > self._until_s:
            return SpanExportResult.FAILURE
        return self._exporter.export(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Troubles(logging.Handler):
    """Tells what the libraries log in the way of this program's logs, seldom."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._silent_until_s = 0.0
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() >= self._silent_until_s:
            self._silent_until_s = time.monotonic() + _SILENCE_S
            self._log.warning("tracing.trouble", said=record.getMessage(), silent_s=_SILENCE_S)


def _tell_troubles() -> None:
    libraries = logging.getLogger("opentelemetry")
    libraries.propagate = False
    libraries.handlers = [_Troubles()]


def _context_of(record: Record) -> SpanContext:
    return get_current_span(_W3C.extract({"traceparent": traceparent_of(record)})).get_span_context()


def _traceparent(context: SpanContext) -> str:
    """Write a context as W3C does, all zeros as none."""
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
