"""The one table of topics: what each carries and how Kafka keeps it.

Two lanes share the code of every service: *clips* is interactive, *tracks* is bulk. Each has its own topics and
consumer groups, so a catalogue load never stands in a listener's way.
"""

from dataclasses import dataclass
from typing import Literal

from tunekin.messages import (
    Answer,
    Audio,
    CatalogueChange,
    Classified,
    ClipSubject,
    ClipSubmitted,
    Features,
    Message,
    Partial,
    Stage,
    TrackOutcome,
    TrackQuery,
    TrackSelected,
    TrackSubmitted,
    TrackWithdrawn,
    Withdrawal,
)

__all__ = ["DEAD_LETTERS", "INLINE_LIMIT_BYTES", "TOPICS", "Topic", "lane_of", "outcomes_of", "topic_for"]

_DAY_MS = 86_400_000

# The most that travels inside a record; more goes to the blob store and the record names it (a claim check).
INLINE_LIMIT_BYTES = 2 * 1024 * 1024
# Headers and key on top of the largest value.
_RECORD_LIMIT_BYTES = INLINE_LIMIT_BYTES + 64 * 1024
# A dead letter holds the original record and the headers that say what went wrong.
_DEAD_LETTER_LIMIT_BYTES = _RECORD_LIMIT_BYTES + 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic and its contract.

    Attributes
    ----------
    name : str
        Name on the broker.
    carries : tuple of type
        Message types; none for dead letters, which hold a record of any topic.
    key : str
        What the record's key is, in words.
    partitions : int
        How many; the most workers of one role that can share the work.
    cleanup : {'delete', 'compact'}
        Kafka's cleanup policy.
    retention_ms : int or None
        How long records are kept; unset means for ever.
    max_record_bytes : int
        Largest record.
    public : bool
        Whether other programs may read or write it.
    """

    name: str
    carries: tuple[type[Message], ...]
    key: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    max_record_bytes: int = _RECORD_LIMIT_BYTES
    public: bool = False


DEAD_LETTERS = "dead-letters"

# Enough for a dozen workers of a role.
_PARTITIONS = 12


def _internal(name: str, *carries: type[Message], key: str) -> Topic:
    """Make a topic between two services: what is on its way is worth a day."""
    return Topic(name=name, carries=carries, key=key, partitions=_PARTITIONS, cleanup="delete", retention_ms=_DAY_MS)


def _public(name: str, *carries: type[Message], key: str, partitions: int = _PARTITIONS) -> Topic:
    """Make a topic for everybody: a week, in which publishers learn and operators replay."""
    return Topic(
        name=name,
        carries=carries,
        key=key,
        partitions=partitions,
        cleanup="delete",
        retention_ms=7 * _DAY_MS,
        public=True,
    )


_TABLE = (
    _public("clips", ClipSubmitted, TrackQuery, key="clip id"),
    _internal("clips.audio", Audio, key="clip id"),
    _internal("clips.features", Features, key="clip id"),
    _internal("clips.classified", Classified, TrackSelected, key="clip id"),
    _internal("clips.partials", Partial, key="clip id"),
    _public("recommendations", Answer, key="clip id"),
    _public("catalog.ingest", TrackSubmitted, TrackWithdrawn, key="track id"),
    _internal("tracks.audio", Audio, Withdrawal, key="track id"),
    _internal("tracks.features", Features, Withdrawal, key="track id"),
    _internal("tracks.classified", Classified, Withdrawal, key="track id"),
    _public("catalog.outcomes", TrackOutcome, key="track id"),
    # One partition, so that every ranker sees the changes in the order in which they were published.
    _public("catalog.changes", CatalogueChange, key="track id", partitions=1),
    Topic(
        name=DEAD_LETTERS,
        carries=(),
        key="source topic, partition and offset",
        partitions=1,
        cleanup="compact",
        retention_ms=None,
        max_record_bytes=_DEAD_LETTER_LIMIT_BYTES,
        public=True,
    ),
)

TOPICS: dict[str, Topic] = {topic.name: topic for topic in _TABLE}

_LANES: dict[type[Message], tuple[str, str]] = {
    Audio: ("clips.audio", "tracks.audio"),
    Features: ("clips.features", "tracks.features"),
    Classified: ("clips.classified", "tracks.classified"),
}
_BEFORE: dict[Stage, str] = {
    "featurizer": "tracks.audio",
    "classifier": "tracks.features",
    "writer": "tracks.classified",
}
_SINGLE: dict[type[Message], str] = {
    carried: topic.name for topic in _TABLE for carried in topic.carries if carried not in {*_LANES, Withdrawal}
}


def topic_for(message: Message) -> Topic:
    """Topic that a message belongs on.

    Parameters
    ----------
    message : Message
        Any message.

    Returns
    -------
    Topic
        Its topic; for an internal message the one of its subject's lane, for a withdrawal the one before its stage.
    """
    if isinstance(message, Withdrawal):
        return TOPICS[_BEFORE[message.before]]
    if isinstance(message, Audio | Features | Classified):
        clips, tracks = _LANES[type(message)]
        return TOPICS[clips if isinstance(message.subject, ClipSubject) else tracks]
    return TOPICS[_SINGLE[type(message)]]


def lane_of(name: str) -> Literal["clips", "tracks"]:
    """Name the lane that a topic belongs to.

    Parameters
    ----------
    name : str
        A topic.

    Returns
    -------
    {'clips', 'tracks'}
        What people wait for, or a bulk load.

    Examples
    --------
    >>> lane_of("clips.audio"), lane_of("recommendations"), lane_of("catalog.ingest"), lane_of("tracks.audio")
    ('clips', 'clips', 'tracks', 'tracks')
    """
    return "clips" if name == _SINGLE[Answer] or name.partition(".")[0] == _SINGLE[ClipSubmitted] else "tracks"


def outcomes_of(name: str) -> str | None:
    """Name the topic that tells publishers what came of the records of a topic.

    Parameters
    ----------
    name : str
        A topic.

    Returns
    -------
    str or None
        None where nobody published the record to learn what comes of it.

    Examples
    --------
    >>> outcomes_of("clips.audio"), outcomes_of("catalog.ingest"), outcomes_of("catalog.changes")
    ('recommendations', 'catalog.outcomes', None)
    """
    if name == _SINGLE[ClipSubmitted] or name.startswith("clips."):
        return _SINGLE[Answer]
    if name == _SINGLE[TrackSubmitted] or name.startswith("tracks."):
        return _SINGLE[TrackOutcome]
    return None
