"""Apache Kafka behind the ports of `tunekin.ports`: the only package that imports ``kafka``.

Topics come from the one table, `tunekin.topics.TOPICS`; inside Tunekin they keep those names, whatever prefix the
operator gives them on the cluster.
"""

from tunekin.kafka.bus import KafkaBus, KafkaConsumer, KafkaProducer
from tunekin.kafka.groups import GroupLag, arrivals, committed, described, lags
from tunekin.kafka.settings import KafkaSettings
from tunekin.kafka.topics import check, create_missing, drift, existing

__all__ = [
    "GroupLag",
    "KafkaBus",
    "KafkaConsumer",
    "KafkaProducer",
    "KafkaSettings",
    "arrivals",
    "check",
    "committed",
    "create_missing",
    "described",
    "drift",
    "existing",
    "lags",
]
