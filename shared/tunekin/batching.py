"""Records that are handled at once, where that takes less than one by one and comes to the same.

A batch holds records of one pass that follow one another, so the order of each partition stays. It is all or nothing:
where it fails, none of its messages has had an effect, and each can be tried by itself.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tunekin.messages import Message
from tunekin.ports import ClaimCheck, Record

__all__ = ["Batching", "Item", "portions"]


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How several messages of a service are handled at once.

    Attributes
    ----------
    key : callable
        Names what a message changes, and a batch holds no two of one name. None for a message that is handled alone,
        with all before it done and none after it begun.
    handle : callable
        Maps messages, at least two, to what follows from each, in their order; raises before anything has come of any.
    """

    # Any: a handler names the types that its topics carry.
    key: Callable[[Any], Hashable | None]
    handle: Callable[[Sequence[Any]], Sequence[Iterable[Message]]]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A record on its way into a batch.

    Attributes
    ----------
    record : Record
        The record.
    message : Message or None
        What it carries; None where it is read when it is handled.
    claim : ClaimCheck or None
        Where that lay, if not in the record.
    key : Hashable or None
        See `Batching`.
    """

    record: Record
    message: Message | None = None
    claim: ClaimCheck | None = None
    key: Hashable | None = None


def portions(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Divide records into those that are handled at once.

    Parameters
    ----------
    items : iterable of Item
        The records; the next one is asked for while those of the portion before may be in work already.

    Yields
    ------
    list of Item
        In order; a single one, or several with different keys.

    Examples
    --------
    >>> of = lambda key: Item(record=Record(topic="clips", key=None, value=None), key=key)
    >>> [[item.key for item in portion] for portion in portions(map(of, ["a", "b", None, "c", "a", "c"]))]
    [['a', 'b'], [None], ['c', 'a'], ['c']]
    """
    portion: dict[Hashable, Item] = {}
    for item in items:
        if portion and (item.key is None or item.key in portion):
            yield list(portion.values())
            portion = {}
        if item.key is None:
            yield [item]
        else:
            portion[item.key] = item
    if portion:
        yield list(portion.values())
