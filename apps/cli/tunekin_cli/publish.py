"""``tunekin publish``: clips to the brokers, and their outcomes back."""

import contextlib
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tunekin import codec
from tunekin.errors import DependencyError
from tunekin.kafka import KafkaBus, KafkaConsumer
from tunekin.messages import Answer, ClipOptions, ClipSubject, ClipSubmitted, Trace, TrackQuery
from tunekin.ports import Record
from tunekin.topics import INLINE_LIMIT_BYTES
from tunekin_cli import render
from tunekin_cli.context import Context
from tunekin_cli.servers import Servers
from tunekin_cli.similar import read_recording

__all__ = ["run"]

_SOURCE = "/tunekin/cli"
_POLL_S = 0.5


def run(
    context: Context,
    servers: Servers,
    files: Sequence[Path],
    *,
    track_id: str | None,
    options: ClipOptions,
    wait_s: float | None,
    as_json: bool,
) -> int:
    """Publish clips; with a time to wait, print what comes of them.

    Parameters
    ----------
    context : Context
        Settings.
    servers : Servers
        Brokers and blob store.
    files : sequence of pathlib.Path
        The recordings.
    track_id : str or None
        A song of the catalogue to ask for besides.
    options : ClipOptions
        What is asked for, of each.
    wait_s : float or None
        Longest wait for the outcomes, in seconds; None waits for none.
    as_json : bool
        Whether to print a line of JSON for each outcome.

    Returns
    -------
    int
        Exit code: 0, or 1 where a clip failed.

    Raises
    ------
    OptionError
        A file can't be read.
    DependencyError
        No broker answers, or outcomes did not come in time.
    """
    names: dict[str, str] = {}
    messages: list[ClipSubmitted | TrackQuery] = []
    for file in files:
        data = read_recording(file, max_bytes=context.settings.ingest.max_bytes)
        subject = _subject(options, names, name=str(file))
        messages.append(ClipSubmitted(subject=subject, data=data, trace=_now()))
    if track_id is not None:
        subject = _subject(options, names, name=f"track {track_id}")
        messages.append(TrackQuery(subject=subject, track_id=track_id, trace=_now()))
    bus = servers.bus()
    with contextlib.ExitStack() as closing:
        # From the present on, so before anything is published.
        outcomes = None if wait_s is None else closing.enter_context(_reading(bus))
        producer = closing.enter_context(contextlib.closing(bus.producer()))
        deliveries = [producer.send(_record(message, servers)) for message in messages]
        producer.flush()
        for delivery in deliveries:
            placed = delivery.result(0)
            if outcomes is None:
                print(f"{(placed.key or b'').decode()}\t{names[(placed.key or b'').decode()]}")  # noqa: T201
        if outcomes is None or wait_s is None:
            return 0
        return _show(outcomes, names, wait_s=wait_s, as_json=as_json)


def _subject(options: ClipOptions, names: dict[str, str], *, name: str) -> ClipSubject:
    key = str(uuid.uuid4())
    names[key] = name
    return ClipSubject(clip_id=f"{_SOURCE}#{key}", key=key, options=options)


def _now() -> Trace:
    return Trace(published_ms=time.time() * 1000)


def _record(message: ClipSubmitted | TrackQuery, servers: Servers) -> Record:
    record = codec.encode(message)
    if record.value and len(record.value) > INLINE_LIMIT_BYTES:
        return codec.with_claim(record, servers.blob_store().put(record.value))
    return record


@contextlib.contextmanager
def _reading(bus: KafkaBus) -> Iterator[KafkaConsumer]:
    with contextlib.closing(bus.consumer(["recommendations"], group=None)) as consumer:
        yield consumer


def _show(outcomes: KafkaConsumer, names: dict[str, str], *, wait_s: float, as_json: bool) -> int:
    waiting = dict(names)
    failed = False
    give_up_s = time.monotonic() + wait_s
    while waiting:
        if time.monotonic() > give_up_s:
            raise DependencyError(
                f"{len(waiting)} of {len(names)} clips have no outcome after {wait_s:g} s",
                hint="they are answered once workers run; `tunekin status` shows what waits, --timeout waits longer",
            )
        for record in outcomes.poll(timeout_s=_POLL_S, max_records=100):
            answer = codec.decode(record)
            name = waiting.pop(answer.key, None) if isinstance(answer, Answer) else None
            if name is not None and isinstance(answer, Answer):
                failed = failed or answer.status == "failed"
                _print(answer, name if len(names) > 1 else None, as_json=as_json)
    return 1 if failed else 0


def _print(answer: Answer, name: str | None, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(codec.answer_json(answer) + b"\n")
        sys.stdout.buffer.flush()
        return
    if name is not None:
        Console().print(Text(name, style="bold underline"))
    render.show_answer(answer)
    if answer.status == "answered":
        stages = ", ".join(f"{stage} {took_ms:.0f}" for stage, took_ms in answer.timeline.items())
        Console().print(f"milliseconds: {stages}", style="dim", highlight=False)
