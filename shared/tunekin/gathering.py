"""Records that are one piece of work together, held until all of them, or enough time, have come.

What is held is not committed. After a crash, or when a partition moves to another worker, its records are read again
and gathered anew, so a group is never lost with the memory of a process.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunekin.messages import Message
from tunekin.ports import Record

__all__ = ["Gathered", "Gathering", "Group"]

# Groups that are remembered once they are done, so that a record that comes too late is known for that.
_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """What makes messages one piece of work.

    Attributes
    ----------
    key : callable
        Equal for the messages of one group, which all have one record key.
    is_complete : callable
        Whether these messages of a group are all of it; they may repeat.
    deadline_s : float
        How long a group waits from its first message on. What has come by then has to do.
    """

    # Any: a handler names the types that its topics carry.
    key: Callable[[Any], Hashable]
    is_complete: Callable[[Sequence[Any]], bool]
    deadline_s: float


@dataclass(kw_only=True)
class Group:
    """Records that belong together.

    Attributes
    ----------
    since_s : float
        When the first of them came.
    records : list of Record
        The records.
    messages : list of Message
        What each carries.
    """

    since_s: float
    records: list[Record] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


class Gathered:
    """The groups that one worker holds.

    Parameters
    ----------
    gathering : Gathering
        What makes a group.
    """

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._groups: dict[Hashable, Group] = {}
        self._done: OrderedDict[Hashable, None] = OrderedDict()

    def is_done(self, message: Message) -> bool:
        """Say whether a message comes after its group was taken; that of a process before is not remembered.

        Parameters
        ----------
        message : Message
            The message.

        Returns
        -------
        bool
            Whether nobody waits for it any more.
        """
        return self._gathering.key(message) in self._done

    def add(self, record: Record, message: Message, *, now_s: float) -> Group | None:
        """Put a message into its group.

        Parameters
        ----------
        record : Record
            The record that carries it.
        message : Message
            The message.
        now_s : float
            Seconds since 1970.

        Returns
        -------
        Group or None
            The group, if it is complete by that; it is not held any longer.
        """
        key = self._gathering.key(message)
        group = self._groups.setdefault(key, Group(since_s=now_s))
        group.records.append(record)
        group.messages.append(message)
        return self._taken(key) if self._gathering.is_complete(group.messages) else None

    def due(self, now_s: float) -> Iterator[Group]:
        """Take the groups that have waited long enough.

        Parameters
        ----------
        now_s : float
            Seconds since 1970.

        Yields
        ------
        Group
            Not held any longer.
        """
        longest_s = self._gathering.deadline_s
        for key in [key for key, group in self._groups.items() if now_s - group.since_s >= longest_s]:
            yield self._taken(key)

    def held(self) -> list[Record]:
        """List what is not done.

        Returns
        -------
        list of Record
            Of all groups.
        """
        return [record for group in self._groups.values() for record in group.records]

    def keep(self, owned: Collection[tuple[str, int]]) -> None:
        """Drop what others gather now.

        Parameters
        ----------
        owned : collection of (str, int)
            Partitions that are still ours, as topic and number.
        """
        # All records of a group have one key, and so one partition.
        gone = [key for key, group in self._groups.items() if _place(group.records[0]) not in owned]
        for key in gone:
            del self._groups[key]

    def _taken(self, key: Hashable) -> Group:
        self._done[key] = None
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        return self._groups.pop(key)


def _place(record: Record) -> tuple[str, int]:
    return record.topic, record.partition
