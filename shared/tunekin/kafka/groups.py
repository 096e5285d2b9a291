"""How far the consumer groups are behind, and what comes: an installation by what its brokers say."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import kafka
from kafka.admin import OffsetSpec
from kafka.protocol.consumer.offsets import OffsetTimestamp

from tunekin.kafka.failures import administering
from tunekin.kafka.settings import KafkaSettings
from tunekin.kafka.topics import partitions_of
from tunekin.ports import Clock
from tunekin.topics import TOPICS

__all__ = ["GroupLag", "arrivals", "committed", "described", "lags"]

_MINUTE_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class GroupLag:
    """A group and what waits for it.

    Attributes
    ----------
    group : str
        Its name, without the prefix.
    members : int
        Workers in it.
    behind : dict of str to int
        Records by topic, without the prefix, that it has not committed.
    hosts : tuple of str
        Addresses that its workers are at.
    """

    group: str
    members: int
    behind: dict[str, int]
    hosts: tuple[str, ...] = ()


def lags(settings: KafkaSettings) -> list[GroupLag]:
    """Say how far each group of this installation is behind.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the prefix of the groups.

    Returns
    -------
    list of GroupLag
        By name; groups without members that never committed anything are not among them.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    with administering(settings) as admin:
        names = sorted(one["group_id"] for one in admin.list_groups() if one["group_id"].startswith(settings.prefix))
        if not names:
            return []
        members = {name: group["members"] for name, group in admin.describe_groups(names).items()}
        committed = admin.list_group_offsets(dict.fromkeys(names))
        theirs = {name: {*committed[name], *_assigned(members[name])} for name in names}
        places = set().union(*theirs.values())
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
        firsts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST)) if places else {}

    def waiting(name: str, place: kafka.TopicPartition) -> int:
        # What was never committed begins at the earliest record, and so does what is older than the topic keeps.
        done = committed[name][place].offset if place in committed[name] else 0
        return int(ends[place].offset - max(done, firsts[place].offset))

    return [
        GroupLag(
            group=name.removeprefix(settings.prefix),
            members=len(members[name]),
            hosts=tuple(sorted({member["client_host"].lstrip("/") for member in members[name]})),
            behind=_behind({place: waiting(name, place) for place in theirs[name]}, settings.prefix),
        )
        for name in names
        if theirs[name]
    ]


def _assigned(members: Sequence[Mapping[str, Any]]) -> list[kafka.TopicPartition]:
    """Partitions that the members of a group have at present, committed or not."""
    return [
        kafka.TopicPartition(topic["topic"], number)
        for member in members
        for topic in (member["member_assignment"] or {}).get("assigned_partitions", ())
        for number in topic["partitions"]
    ]


def arrivals(settings: KafkaSettings, *, clock: Clock = time.time) -> dict[str, int]:
    """Count the records that have come to each topic within the last minute: what each stage has done.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the topics' prefix.
    clock : Clock
        Time of day, as the brokers have it.

    Returns
    -------
    dict of str to int
        By topic, without the prefix; those that are there.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    since_ms = round(clock() * 1000) - _MINUTE_MS
    with administering(settings) as admin:
        places = [
            kafka.TopicPartition(settings.prefix + name, number)
            for name, count in partitions_of(admin, settings, TOPICS.values()).items()
            for number in range(count)
        ]
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
        firsts = admin.list_partition_offsets(dict.fromkeys(places, OffsetTimestamp(since_ms))) if places else {}
    # No offset where nothing has come since.
    counts = {place: ends[place].offset - firsts[place].offset if firsts[place].offset >= 0 else 0 for place in places}
    return _behind(counts, settings.prefix)


def described(groups: Sequence[GroupLag], came: Mapping[str, int]) -> dict[str, Any]:
    """Describe an installation in plain values, for JSON.

    Parameters
    ----------
    groups : sequence of GroupLag
        Its groups.
    came : mapping of str to int
        Records of the last minute by topic.

    Returns
    -------
    dict
        ``groups``, each with what waits for it and what has come for it, and ``last_minute``.
    """
    return {
        "groups": [
            {
                "group": one.group,
                "workers": one.members,
                "hosts": list(one.hosts),
                "behind": one.behind,
                "came": {topic: came.get(topic, 0) for topic in one.behind},
            }
            for one in groups
        ],
        "last_minute": dict(came),
    }


def committed(settings: KafkaSettings) -> dict[tuple[str, int], int]:
    """Say up to where all groups have worked partitions off.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the prefix of the groups.

    Returns
    -------
    dict of (str, int) to int
        Offset that the slowest group committed, by topic and partition; partitions that none has committed are not
        among them.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    with administering(settings) as admin:
        names = [found["group_id"] for found in admin.list_groups() if found["group_id"].startswith(settings.prefix)]
        groups = admin.list_group_offsets(dict.fromkeys(names)) if names else {}
    least: dict[tuple[str, int], int] = {}
    for offsets in groups.values():
        for place, stored in offsets.items():
            key, offset = (place.topic.removeprefix(settings.prefix), place.partition), max(stored.offset, 0)
            least[key] = min(offset, least.get(key, offset))
    return least


def _behind(by_partition: dict[kafka.TopicPartition, int], prefix: str) -> dict[str, int]:
    by_topic: dict[str, int] = {}
    for place, count in sorted(by_partition.items()):
        topic = place.topic.removeprefix(prefix)
        by_topic[topic] = by_topic.get(topic, 0) + count
    return by_topic
