"""A receiver of traces for tests: OpenTelemetry's protocol over HTTP, on the loopback interface."""

import gzip
import http.server
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass(frozen=True)
class Received:
    """A span as the receiver saw it; ids are hexadecimal, of a root's parent empty."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, str | int]
    failure: str | None
    started_ns: int
    ended_ns: int


class Receiver:
    """Takes traces once it is told to listen; before that nobody can connect to its port."""

    def __init__(self) -> None:
        self._spans: list[Received] = []
        self._answering = threading.Event()
        self._answering.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver._answering.wait()
                receiver._take(self.path, gzip.decompress(body) if self.headers["content-encoding"] else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.server_bind()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[Received]:
        return self._spans.copy()

    def listen(self) -> None:
        """Take what is sent from now on."""
        if not self._thread.is_alive():
            self._server.server_activate()
            self._thread.start()

    def dawdle(self) -> None:
        """Let every sender wait, until the end."""
        self._answering.clear()

    def close(self) -> None:
        self._answering.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        request = ExportTraceServiceRequest.FromString(body)
        for of_resource in request.resource_spans:
            service = values(of_resource.resource.attributes)["service.name"]
            for scope in of_resource.scope_spans:
                self._spans.extend(received(str(service), span) for span in scope.spans)


def received(service: str, span: Span) -> Received:
    return Received(
        service=service,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        attributes=values(span.attributes),
        failure=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
        started_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
    )


def values(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in attributes}


def way_to(last: Received, spans: Iterable[Received]) -> Iterator[Received]:
    """Follow parents from a span to the root, so the last comes first."""
    by_id = {span.id: span for span in spans if span.trace == last.trace}
    one: Received | None = last
    while one is not None:
        yield one
        one = by_id.get(one.parent)
