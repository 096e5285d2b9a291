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
    due_s : float or None
        When it is to be taken again, where it was given back.
    """

    since_s: float
    records: list[Record] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    due_s: float | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition; all records of a group have one key, and so one partition."""
        return self.records[0].topic, self.records[0].partition


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

    def give_back(self, group: Group, *, due_s: float) -> None:
        """Hold a group again that could not be handled yet.

        Parameters
        ----------
        group : Group
            One that was taken.
        due_s : float
            When to take it again.
        """
        key = self._gathering.key(group.messages[0])
        self._done.pop(key, None)
        group.due_s = due_s
        self._groups[key] = group

    def were_given_back(self, place: tuple[str, int]) -> bool:
        """Say whether groups of a partition could not be handled yet.

        Parameters
        ----------
        place : tuple of (str, int)
            Topic and number.

        Returns
        -------
        bool
            Whether there are any.
        """
        return any(group.due_s is not None and group.place == place for group in self._groups.values())

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
        due_s = {
            key: group.since_s + longest_s if group.due_s is None else group.due_s
            for key, group in self._groups.items()
        }
        for key in [key for key, when_s in due_s.items() if when_s <= now_s]:
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
        gone = [key for key, group in self._groups.items() if group.place not in owned]
        for key in gone:
            del self._groups[key]

    def _taken(self, key: Hashable) -> Group:
        self._done[key] = None
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        return self._groups.pop(key)
