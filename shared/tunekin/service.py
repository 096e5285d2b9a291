"""What a service is: a role, the topics that it reads, and a pure handler.

The worker loop does the rest: polling, reading and writing records, claim checks, failures, dead letters, commits.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tunekin.batching import Batching
from tunekin.gathering import Gathering
from tunekin.messages import Message

__all__ = ["Follower", "Handler", "Service"]

# A message in, the messages that follow from it out. Any: a handler names the types that its topics carry.
Handler: TypeAlias = Callable[[Any], Iterable[Message]]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A role in the pipeline.

    Attributes
    ----------
    role : str
        Name of the stage in timelines, metrics and dead letters.
    topics : tuple of str
        Topics that it reads.
    handle : Handler
        Maps a message to the messages that follow from it; raises a `tunekin.errors.TunekinError` to say no.
    writes : tuple of str
        Topics that the handler's messages go to.
    part : str
        Which part of the role's work it does, where its workers are not all alike: those of each part are a consumer
        group of their own.
    gathering : Gathering or None
        Set where several messages are one piece of work; the handler takes a tuple of them then.
    batching : Batching or None
        Set where several messages take less at once than one by one; what comes of them is the same, so the worker is
        free to use it. Not for a service that gathers.
    """

    role: str
    topics: tuple[str, ...]
    handle: Handler
    writes: tuple[str, ...] = ()
    part: str = ""
    gathering: Gathering | None = None
    batching: Batching | None = None


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A topic that every worker of a role sees in full, beside its share of the work.

    Attributes
    ----------
    topics : tuple of str
        Topics that it follows, without a group and from the present on.
    apply : callable
        Takes a message; raises only what is retriable.
    """

    topics: tuple[str, ...]
    apply: Callable[[Any], None]
