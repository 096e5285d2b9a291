"""``tunekin dlq``: look into failed records, send them again, forget them."""

import itertools
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tunekin.dead_letters import Chosen, DeadLetter, document
from tunekin.errors import OptionError
from tunekin_cli.json_output import print_json
from tunekin_cli.servers import Servers

__all__ = ["list_all", "purge", "replay", "show", "show_raw"]


def list_all(servers: Servers, chosen: Chosen, *, last: int | None, as_json: bool) -> None:
    """List dead letters, the oldest first.

    Parameters
    ----------
    servers : Servers
        The brokers.
    chosen : Chosen
        Which ones.
    last : int or None
        How many of them, the newest; all where it is unset.
    as_json : bool
        Whether to print JSON.
    """
    # What is shown of a letter is small; its value is let go.
    told = [document(letter) for letter in itertools.islice(servers.dead_letters().letters(chosen), last)][::-1]
    if as_json:
        print_json(told)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("letter", "failed", "stage", "code", "bytes", "what was wrong"):
        table.add_column(column, justify="right" if column == "bytes" else "left", overflow="fold")
    for one in told:
        size = str(one["bytes"] or 0)
        table.add_row(one["letter"], one["failed_at"], one["stage"], one["code"], size, Text(one["message"]))
    console = Console()
    if told:
        console.print(table)
    console.print(f"{len(told)} dead letters", style="dim", highlight=False)


def show(servers: Servers, key: str, *, output: Path | None, as_json: bool) -> None:
    """Show one dead letter; its value goes to a file, byte for byte.

    Parameters
    ----------
    servers : Servers
        The brokers.
    key : str
        Name of the letter.
    output : pathlib.Path or None
        File for the value.
    as_json : bool
        Whether to print JSON.

    Raises
    ------
    OptionError
        The file can't be written.
    """
    letter = _letter(servers, key)
    if output is not None:
        try:
            output.write_bytes(letter.original.value or b"")
        except OSError as error:
            raise OptionError(f"{output} can't be written: {error.strerror}", hint="name another file") from error
    if as_json:
        print_json(document(letter))
        return
    console = Console()
    for name, value in document(letter).items():
        if name != "headers":
            console.print(Text.assemble((f"{name:<12}", "dim"), str(value)), soft_wrap=True)
    for name, header in letter.original.headers:
        console.print(Text.assemble(("header      ", "dim"), f"{name}: {_shown(header)}"), soft_wrap=True)
    if output is not None:
        console.print(f"its value is in {output}", style="dim", highlight=False)


def show_raw(servers: Servers, key: str) -> None:
    """Write the value of a dead letter's record to standard output, byte for byte and nothing else.

    Parameters
    ----------
    servers : Servers
        The brokers.
    key : str
        Name of the letter.
    """
    value = _letter(servers, key).original.value or b""
    sys.stdout.buffer.write(value)
    sys.stdout.buffer.flush()


def replay(servers: Servers, chosen: Chosen, *, whole: bool) -> int:
    """Send dead letters again, each as the next attempt, and forget them once they are delivered.

    Parameters
    ----------
    servers : Servers
        The brokers.
    chosen : Chosen
        Which ones.
    whole : bool
        Whether a clip that failed in a later stage begins anew at ``clips``, with the sound as it was published.

    Returns
    -------
    int
        How many were sent.

    Raises
    ------
    NotFoundError
        `whole` was asked for, and the clip is no longer on ``clips``.
    """
    office = servers.dead_letters()
    return office.replay_whole(chosen) if whole else office.replay(chosen)


def purge(servers: Servers, chosen: Chosen) -> int:
    """Forget dead letters and what they refer to in the blob store.

    Parameters
    ----------
    servers : Servers
        Brokers and blob store.
    chosen : Chosen
        Which ones.

    Returns
    -------
    int
        How many were forgotten.
    """
    return servers.dead_letters().purge(chosen)


def _letter(servers: Servers, key: str) -> DeadLetter:
    (letter,) = servers.dead_letters().letters(Chosen(keys=(key,)))
    return letter


def _shown(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
