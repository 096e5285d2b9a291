"""How far the consumer groups are behind."""

from dataclasses import dataclass

import kafka
from kafka.admin import OffsetSpec

from tunekin.kafka.failures import administering
from tunekin.kafka.settings import KafkaSettings

__all__ = ["GroupLag", "lags"]


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
    """

    group: str
    members: int
    behind: dict[str, int]


def lags(settings: KafkaSettings) -> list[GroupLag]:
    """Say how far each group of this installation is behind.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the prefix of the groups.

    Returns
    -------
    list of GroupLag
        By name; groups that never committed anything are not among them.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    with administering(settings) as admin:
        names = sorted(
            found["group_id"] for found in admin.list_groups() if found["group_id"].startswith(settings.prefix)
        )
        if not names:
            return []
        described = admin.describe_groups(names)
        committed = admin.list_group_offsets(dict.fromkeys(names))
        places = {place for offsets in committed.values() for place in offsets}
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
    return [
        GroupLag(
            group=name.removeprefix(settings.prefix),
            members=len(described[name]["members"]),
            behind=_behind(
                {place: ends[place].offset - max(stored.offset, 0) for place, stored in committed[name].items()},
                settings.prefix,
            ),
        )
        for name in names
        if committed[name]
    ]


def _behind(by_partition: dict[kafka.TopicPartition, int], prefix: str) -> dict[str, int]:
    by_topic: dict[str, int] = {}
    for place, count in sorted(by_partition.items()):
        topic = place.topic.removeprefix(prefix)
        by_topic[topic] = by_topic.get(topic, 0) + count
    return by_topic
