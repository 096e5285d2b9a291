"""What an operator does with dead letters on a bus: look, send again, forget.

A letter is forgotten only once its replay is delivered: one that is sent twice does less harm than one that is lost.
Sent twice, it is the same attempt twice, and of the outcomes of one attempt the first by offset stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from tunekin import codec
from tunekin.dead_letters import EVERY, Chosen, DeadLetter, purged, remaining, replayed
from tunekin.errors import NotFoundError
from tunekin.ports import BlobStore, Producer, Record
from tunekin.topics import DEAD_LETTERS

__all__ = ["Archive", "DeadLetterOffice"]

_BEGINNING = "clips"


class Archive(Protocol):
    """A bus whose topics can be read from their beginning."""

    def history(self, topic: str) -> Iterable[Record]:
        """Read all that a topic holds at present.

        Parameters
        ----------
        topic : str
            The topic.

        Returns
        -------
        iterable of Record
            In order within each partition.
        """

    def producer(self) -> Producer:
        """Connect a producer.

        Returns
        -------
        Producer
            A new one.
        """


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

    def letters(self, chosen: Chosen = EVERY) -> list[DeadLetter]:
        """Read the letters that stand.

        Parameters
        ----------
        chosen : Chosen
            Which ones.

        Returns
        -------
        list of DeadLetter
            The oldest first.

        Raises
        ------
        NotFoundError
            There is no letter of a name.
        DependencyError
            No broker answers.
        """
        return chosen.of(remaining(self._bus.history(DEAD_LETTERS)))

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
        letters = self.letters(chosen)
        self._send_again(letters, [replayed(letter) for letter in letters])
        return len(letters)

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
        letters = self.letters(chosen)
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
        letters = self.letters(chosen)
        self._deliver([purged(letter) for letter in letters])
        for letter in letters:
            claim = codec.claim_of(letter.original) if not letter.original.value else None
            if claim is not None:
                self._blobs.delete(claim)
        return len(letters)

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
