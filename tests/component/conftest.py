"""What several components' tests share."""

import uuid

import pytest

from tunekin.kafka import KafkaSettings


@pytest.fixture
def kafka_settings(kafka_server) -> KafkaSettings:
    """A real broker, with topics and groups that no other test uses."""
    return KafkaSettings(bootstrap_servers=kafka_server.address, prefix=f"{uuid.uuid4().hex[:8]}.", connect_timeout_s=5)
