"""``tunekin publish``: clips to the brokers, and their outcomes back."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tunekin import codec
from tunekin.client import Answer, Client, ClipOptions, Ticket
from tunekin_cli import render
from tunekin_cli.context import Context
from tunekin_cli.servers import Servers
from tunekin_cli.similar import read_recording

__all__ = ["run"]

_SOURCE = "/tunekin/cli"


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
    """Publish clips; with a time to wait, print what comes of them. A file named twice is two clips.

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
        Longest wait for the next outcome, in seconds; None waits for none.
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
    # Before any is published: one that can't be read stops them all.
    sounds = [read_recording(file, max_bytes=context.settings.ingest.max_bytes) for file in files]
    names: dict[Ticket, str] = {}
    with Client(servers.bus(traced_as="tunekin"), blobs=servers.blob_store(), source=_SOURCE) as client:
        follow = wait_s is not None
        for file, sound in zip(files, sounds, strict=True):
            names[client.publish(sound, options=options, follow=follow)] = str(file)
        if track_id is not None:
            names[client.publish_query(track_id, options=options, follow=follow)] = f"track {track_id}"
        if not follow:
            for ticket, name in names.items():
                print(f"{ticket.key}\t{name}")  # noqa: T201
            return 0
        failed = False
        for result in client.results(timeout_s=wait_s):
            failed = failed or result.answer.status == "failed"
            _print(result.answer, names[result.ticket] if len(names) > 1 else None, as_json=as_json)
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
