"""What an operator does with dead letters on a bus: look, send again, forget.

A letter is forgotten only once its replay is delivered: one that is sent twice does less harm than one that is lost.
Sent twice, it is the same attempt twice, and of the outcomes of one attempt the first by offset stands.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from tunekin import codec
from tunekin.dead_letters import EVERY, Chosen, DeadLetter, exhume, purged, replayed, standing
from tunekin.errors import NotFoundError
from tunekin.ports import BlobStore, Producer, Record
from tunekin.topics import DEAD_LETTERS

__all__ = ["Archive", "DeadLetterOffice", "Recent"]

_BEGINNING = "clips"
# How many letters are replayed together: some megabytes, since most hold a few seconds of sound.
_AT_ONCE = 100
# A letter is written after its record failed, by the same clock; brokers may be told to write their own times.
_SKEW_S = 60.0


class Archive(Protocol):
    """A bus whose topics can be read from their beginning and from their end."""

    def history(self, topic: str, *, since: Mapping[tuple[str, int], int] | None = None) -> Iterable[Record]:
        """Read all that a topic holds at present.

        Parameters
        ----------
        topic : str
            The topic.
        since : mapping of (str, int) to int, optional
            Offset to begin at, by topic and partition; the first record where none is given.

        Returns
        -------
        iterable of Record
            In order within each partition.
        """

    def newest_first(self, topic: str, *, since_ms: int | None = None) -> Iterable[Record]:
        """Read what a topic holds at present from its end, no faster than it is asked for.

        Parameters
        ----------
        topic : str
            The topic.
        since_ms : int or None
            Time of day in milliseconds since 1970; only the first record that was written since then, and what follows
            it, is read.

        Returns
        -------
        iterable of Record
            By falling offset within each partition.
        """

    def producer(self) -> Producer:
        """Connect a producer.

        Returns
        -------
        Producer
            A new one.
        """


@dataclass(frozen=True, kw_only=True)
class Recent:
    """Some letters, and what there is to choose among.

    Attributes
    ----------
    letters : list of DeadLetter
        The newest first.
    more : bool
        Whether there are older ones.
    codes, stages : Counter of str
        Of the letters that were looked at for that, chosen or not.
    """

    letters: list[DeadLetter] = field(default_factory=list)
    more: bool = False
    codes: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)


class DeadLetterOffice:
    """Looks after the dead letters of an installation.

    Parameters
    ----------
    bus : Archive
        Where the records are.
    blobs : BlobStore
        Where what they refer to is.
    """

    def __init__(self, bus: Archive, blobs: BlobStore) -> None:
        self._bus = bus
        self._blobs = blobs

    def letters(self, chosen: Chosen = EVERY) -> Iterator[DeadLetter]:
        """Read the letters that stand, a few at a time, no faster than they are asked for.

        Parameters
        ----------
        chosen : Chosen
            Which ones.

        Yields
        ------
        DeadLetter
            The newest first.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        DependencyError
            No broker answers.
        """
        yield from chosen.of(self._standing(chosen))

    def recent(self, chosen: Chosen, *, most: int) -> Recent:
        """Read the newest letters.

        Parameters
        ----------
        chosen : Chosen
            Which ones.
        most : int
            How many.

        Returns
        -------
        Recent
            No letter is read that is older than the one after them.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        DependencyError
            No broker answers.
        """
        codes, stages = Counter[str](), Counter[str]()

        def counted() -> Iterator[DeadLetter]:
            for letter in self._standing(chosen):
                codes[letter.problem.code] += 1
                stages[letter.stage] += 1
                yield letter

        letters: list[DeadLetter] = []
        for letter in chosen.of(counted()):
            if len(letters) == most:
                return Recent(letters=letters, more=True, codes=codes, stages=stages)
            letters.append(letter)
        return Recent(letters=letters, codes=codes, stages=stages)

    def replay(self, chosen: Chosen) -> int:
        """Send letters to the stage that failed, each as the next attempt, and forget them once they are delivered.

        Parameters
        ----------
        chosen : Chosen
            Which ones.

        Returns
        -------
        int
            How many were sent.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        DependencyError
            No broker answers.
        """
        sent = 0
        ordered = self._in_order(chosen)
        while letters := list(itertools.islice(ordered, _AT_ONCE)):
            self._send_again(letters, [replayed(letter) for letter in letters])
            sent += len(letters)
        return sent

    def replay_whole(self, chosen: Chosen) -> int:
        """Do as `replay` does, but let each clip begin anew at ``clips``, with the sound as it was published.

        Parameters
        ----------
        chosen : Chosen
            Which ones.

        Returns
        -------
        int
            How many were sent.

        Raises
        ------
        NotFoundError
            There is no letter of a name, or a clip is no longer on ``clips``.
        DependencyError
            No broker answers.
        """
        letters = list(self._in_order(chosen))
        self._send_again(letters, self._from_the_beginning(letters))
        return len(letters)

    def purge(self, chosen: Chosen) -> int:
        """Forget letters, and what they refer to in the blob store.

        Parameters
        ----------
        chosen : Chosen
            Which ones.

        Returns
        -------
        int
            How many were forgotten.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        DependencyError
            No broker answers.
        """
        # Values are let go at once: all letters of an installation may be meant.
        gone = [
            (purged(letter), None if letter.original.value else codec.claim_of(letter.original))
            for letter in self.letters(chosen)
        ]
        self._deliver([tombstone for tombstone, _ in gone])
        for _, claim in gone:
            if claim is not None:
                self._blobs.delete(claim)
        return len(gone)

    def _standing(self, chosen: Chosen) -> Iterator[DeadLetter]:
        """Read the letters that stand, as far back as a chosen one may be; those that are read may be others, too."""
        since_ms = None if chosen.since_s is None else max(round((chosen.since_s - _SKEW_S) * 1000), 0)
        return standing(self._bus.newest_first(DEAD_LETTERS, since_ms=since_ms))

    def _in_order(self, chosen: Chosen) -> Iterator[DeadLetter]:
        """Read letters in the order in which their records failed, so that they keep it."""
        # Their places only: all letters of an installation may be meant.
        wanted = {letter.place for letter in self.letters(chosen)}
        if not wanted:
            return
        # Of each partition the least offset is the last one here, and stands.
        first = {(DEAD_LETTERS, partition): offset for partition, offset in sorted(wanted, reverse=True)}
        for record in self._bus.history(DEAD_LETTERS, since=first):
            if (record.partition, record.offset) in wanted:
                yield exhume(record)

    def _send_again(self, letters: Sequence[DeadLetter], again: Sequence[Record]) -> None:
        self._deliver(again)
        self._deliver([purged(letter) for letter in letters])

    def _deliver(self, records: Sequence[Record]) -> None:
        if not records:
            return
        producer = self._bus.producer()
        try:
            deliveries = [producer.send(record) for record in records]
            producer.flush()
            for delivery in deliveries:
                delivery.result(0)
        finally:
            producer.close()

    def _from_the_beginning(self, letters: Sequence[DeadLetter]) -> list[Record]:
        """Find the records that the letters' clips began with."""
        wanted = {letter.original.key: letter for letter in letters}
        found: dict[bytes | None, Record] = {}
        for record in self._bus.history(_BEGINNING):
            subject = codec.subject_of(record)
            key = None if subject is None else str(getattr(subject, "key", "")).encode()
            if key in wanted:
                found[key] = record
        missing = [letter.key for key, letter in wanted.items() if key not in found]
        if missing:
            raise NotFoundError(
                f"the clip of {', '.join(missing)} is no longer on the topic {_BEGINNING}",
                hint="replay it at the stage that failed, without --whole",
            )
        return [replayed(replace(letter, original=found[key])) for key, letter in wanted.items()]
