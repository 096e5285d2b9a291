"""``tunekin dlq``: look into failed records, send them again, forget them."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tunekin import codec
from tunekin.dead_letters import DeadLetter, purged, remaining, replayed
from tunekin.errors import NotFoundError, OptionError
from tunekin.kafka import KafkaBus
from tunekin.ports import Record
from tunekin.topics import DEAD_LETTERS
from tunekin_cli.json_output import print_json
from tunekin_cli.servers import Servers

__all__ = ["Chosen", "list_all", "parse_time", "purge", "replay", "show"]


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

    def of(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """Choose.

        Parameters
        ----------
        letters : iterable of DeadLetter
            All of them.

        Returns
        -------
        list of DeadLetter
            Those that are meant.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        """
        found = list(letters)
        missing = sorted(set(self.keys) - {letter.key for letter in found})
        if missing:
            raise NotFoundError(
                f"there is no dead letter {', '.join(missing)}", hint="`tunekin dlq list` shows which there are"
            )
        return [letter for letter in found if self._holds(letter)]

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
        return self == Chosen()


def list_all(servers: Servers, chosen: Chosen, *, as_json: bool) -> None:
    """List dead letters, the oldest first.

    Parameters
    ----------
    servers : Servers
        The brokers.
    chosen : Chosen
        Which ones.
    as_json : bool
        Whether to print JSON.
    """
    letters = _letters(servers.bus(), chosen)
    if as_json:
        print_json([_document(letter) for letter in letters])
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("letter", "failed", "stage", "code", "bytes", "what was wrong"):
        table.add_column(column, justify="right" if column == "bytes" else "left", overflow="fold")
    for letter in letters:
        table.add_row(
            letter.key,
            _time(letter),
            letter.stage,
            letter.problem.code,
            str(len(letter.original.value or b"")),
            Text(letter.problem.message),
        )
    console = Console()
    if letters:
        console.print(table)
    console.print(f"{len(letters)} dead letters", style="dim", highlight=False)


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
    (letter,) = _letters(servers.bus(), Chosen(keys=(key,)))
    if output is not None:
        try:
            output.write_bytes(letter.original.value or b"")
        except OSError as error:
            raise OptionError(f"{output} can't be written: {error.strerror}", hint="name another file") from error
    document = _document(letter)
    if as_json:
        print_json(document)
        return
    console = Console()
    for name, value in document.items():
        if name != "headers":
            console.print(Text.assemble((f"{name:<11}", "dim"), str(value)), soft_wrap=True)
    for name, header in letter.original.headers:
        console.print(Text.assemble(("header     ", "dim"), f"{name}: {_shown(header)}"), soft_wrap=True)
    if output is not None:
        console.print(f"its value is in {output}", style="dim", highlight=False)


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
    bus = servers.bus()
    letters = _letters(bus, chosen)
    again = _from_clips(bus, letters) if whole else [replayed(letter) for letter in letters]
    _deliver(bus, again)
    # Forgotten only now: a letter that is sent twice does less harm than one that is lost.
    _deliver(bus, [purged(letter) for letter in letters])
    return len(letters)


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
    bus = servers.bus()
    letters = _letters(bus, chosen)
    _deliver(bus, [purged(letter) for letter in letters])
    blobs = servers.blob_store()
    for letter in letters:
        claim = codec.claim_of(letter.original) if not letter.original.value else None
        if claim is not None:
            blobs.delete(claim)
    return len(letters)


def _letters(bus: KafkaBus, chosen: Chosen) -> list[DeadLetter]:
    return chosen.of(remaining(bus.history(DEAD_LETTERS)))


def _deliver(bus: KafkaBus, records: Sequence[Record]) -> None:
    producer = bus.producer()
    try:
        deliveries = [producer.send(record) for record in records]
        producer.flush()
        for delivery in deliveries:
            delivery.result(0)
    finally:
        producer.close()


def _from_clips(bus: KafkaBus, letters: Sequence[DeadLetter]) -> list[Record]:
    """Find the records on ``clips`` that the letters' clips began with."""
    wanted = {letter.original.key: letter for letter in letters}
    found: dict[bytes | None, Record] = {}
    for record in bus.history("clips"):
        subject = codec.subject_of(record)
        key = None if subject is None else _key(subject)
        if key in wanted:
            found[key] = record
    missing = [letter.key for key, letter in wanted.items() if key not in found]
    if missing:
        raise NotFoundError(
            f"the clip of {', '.join(missing)} is no longer on the topic clips",
            hint="replay it at the stage that failed, without --whole",
        )
    return [replayed(replace(letter, original=found[key])) for key, letter in wanted.items()]


def _key(subject: msgspec.Struct) -> bytes:
    return str(getattr(subject, "key", "")).encode()


def _document(letter: DeadLetter) -> dict[str, object]:
    original = letter.original
    return {
        "letter": letter.key,
        "topic": original.topic,
        "partition": original.partition,
        "offset": original.offset,
        "key": None if original.key is None else _shown(original.key),
        "stage": letter.stage,
        "attempt": letter.attempt,
        "code": letter.problem.code,
        "message": letter.problem.message,
        "hint": letter.problem.hint,
        "failed_at": _time(letter),
        "bytes": len(original.value or b""),
        "headers": {name: _shown(value) for name, value in original.headers},
    }


def _time(letter: DeadLetter) -> str:
    return dt.datetime.fromtimestamp(letter.failed_ms / 1000, tz=dt.UTC).isoformat(timespec="seconds")


def _shown(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


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
