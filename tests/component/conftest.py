"""What several components' tests share."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tunekin.kafka import KafkaSettings

if TYPE_CHECKING:
    from tests.component.loaded import Loaded


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Loaded"]:
    """A small catalogue, in the home folder of one process."""
    from tests.component.loaded import loading  # noqa: PLC0415 -- heavy, and needed by few tests

    with loading(tmp_path_factory.mktemp("loaded")) as made:
        yield made


@pytest.fixture
def kafka_settings(kafka_server) -> KafkaSettings:
    """A real broker, with topics and groups that no other test uses."""
    return KafkaSettings(bootstrap_servers=kafka_server.address, prefix=f"{uuid.uuid4().hex[:8]}.", connect_timeout_s=5)
