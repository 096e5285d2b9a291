"""Topics on the brokers, held against the one table."""

import contextlib
from collections.abc import Iterable

import kafka
from kafka import errors
from kafka.admin import ConfigResource, ConfigResourceType

from tunekin.errors import DependencyError
from tunekin.kafka.failures import administering
from tunekin.kafka.settings import KafkaSettings
from tunekin.topics import TOPICS, Topic

__all__ = ["check", "create_missing", "drift", "existing", "partitions_of"]


def create_missing(settings: KafkaSettings, topics: Iterable[Topic] = tuple(TOPICS.values())) -> list[str]:
    """Create the topics that are not there yet; existing ones are left as they are.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the topics' prefix and copies.
    topics : iterable of Topic
        What is needed.

    Returns
    -------
    list of str
        Names that were created, without prefix.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers, or one can't create a topic.
    """
    wanted = list(topics)
    with administering(settings) as admin:
        found = partitions_of(admin, settings, wanted)
        missing = [topic for topic in wanted if topic.name not in found]
        if not missing:
            return []
        new = {
            settings.prefix + topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": settings.replication_factor,
                "configs": _configs(topic),
            }
            for topic in missing
        }
        # Another worker that starts at the same moment is as good.
        with contextlib.suppress(errors.TopicAlreadyExistsError):
            admin.create_topics(new)
        admin.wait_for_topics(list(new))
        return [topic.name for topic in missing]


def drift(settings: KafkaSettings, topics: Iterable[Topic] = tuple(TOPICS.values())) -> list[str]:
    """Say where topics on the brokers differ from the table.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the topics' prefix.
    topics : iterable of Topic
        What is expected.

    Returns
    -------
    list of str
        A line for each difference; missing topics are among them.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    wanted = list(topics)
    with administering(settings) as admin:
        found = partitions_of(admin, settings, wanted)
        resources = [ConfigResource(ConfigResourceType.TOPIC, settings.prefix + name) for name in found]
        described = admin.describe_configs(resources, config_filter="all").get("topic", {}) if found else {}
    lines = []
    for topic in wanted:
        name = settings.prefix + topic.name
        if topic.name not in found:
            lines.append(f"{name} is missing")
            continue
        is_ = {"partitions": str(found[topic.name])} | {key: one["value"] for key, one in described[name].items()}
        wants = {"partitions": str(topic.partitions)} | _configs(topic)
        lines += [f"{name} has {key}={is_[key]}, not {value}" for key, value in wants.items() if is_[key] != value]
    return lines


def existing(settings: KafkaSettings, topics: Iterable[Topic] = tuple(TOPICS.values())) -> list[str]:
    """Name the topics that are there.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the topics' prefix.
    topics : iterable of Topic
        Which topics are asked for.

    Returns
    -------
    list of str
        Names of those of them that are there, without prefix, in the order of the question.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    wanted = list(topics)
    with administering(settings) as admin:
        found = partitions_of(admin, settings, wanted)
    return [topic.name for topic in wanted if topic.name in found]


def check(settings: KafkaSettings, topics: Iterable[Topic] = tuple(TOPICS.values())) -> None:
    """Refuse to start where work would fail later.

    Parameters
    ----------
    settings : KafkaSettings
        Which brokers, and the topics' prefix.
    topics : iterable of Topic
        What a worker reads and writes.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers, or a topic is missing.
    """
    wanted = list(topics)
    found = existing(settings, wanted)
    missing = [settings.prefix + topic.name for topic in wanted if topic.name not in found]
    if missing:
        raise DependencyError(
            f"Kafka at {settings.bootstrap_servers} has no topic {', '.join(missing)}",
            hint="create them by `tunekin setup`, or correct TUNEKIN_KAFKA_PREFIX",
        )


def partitions_of(admin: kafka.KafkaAdminClient, settings: KafkaSettings, topics: Iterable[Topic]) -> dict[str, int]:
    """Count the partitions of each topic that is there.

    Parameters
    ----------
    admin : kafka.KafkaAdminClient
        Connected.
    settings : KafkaSettings
        The topics' prefix.
    topics : iterable of Topic
        Which topics are asked for.

    Returns
    -------
    dict of str to int
        By name, without prefix.

    Raises
    ------
    kafka.errors.TopicAuthorizationFailedError
        The user may not know of some.
    """
    described = admin.describe_topics([settings.prefix + topic.name for topic in topics])
    # Brokers say so of topics that are not there, too.
    hidden = [one["name"] for one in described if one["error_code"] == errors.TopicAuthorizationFailedError.errno]
    if hidden:
        raise errors.TopicAuthorizationFailedError(", ".join(hidden))
    return {
        one["name"].removeprefix(settings.prefix): len(one["partitions"])
        for one in described
        if one["error_code"] != errors.UnknownTopicOrPartitionError.errno
    }


def _configs(topic: Topic) -> dict[str, str]:
    retention_ms = -1 if topic.retention_ms is None else topic.retention_ms
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention_ms),
        "max.message.bytes": str(topic.max_record_bytes),
    }
