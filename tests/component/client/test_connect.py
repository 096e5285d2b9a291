"""A client made of what the environment says."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog

from tests.component.client.test_client import PATIENCE_S, outcome, say
from tunekin.client import connect
from tunekin.errors import DependencyError, OptionError, SettingsError
from tunekin.kafka import KafkaBus, KafkaSettings, create_missing
from tunekin.ports import Record
from tunekin.topics import TOPICS
from tunekin_native.server import free_port


@pytest.fixture
def environment(monkeypatch) -> Callable[..., None]:
    """Set variables, given without their prefix."""

    def name(**variables: object) -> None:
        for variable, value in variables.items():
            monkeypatch.setenv(f"TUNEKIN_{variable}", str(value))

    return name


def test_what_the_client_has_to_say_is_none_of_the_programs_output(environment, kafka_settings: KafkaSettings, capsys):
    create_missing(kafka_settings, [replace(TOPICS[name], partitions=1) for name in ("clips", "recommendations")])
    bus = KafkaBus(kafka_settings)
    environment(KAFKA_BOOTSTRAP_SERVERS=kafka_settings.bootstrap_servers, KAFKA_PREFIX=kafka_settings.prefix)
    with connect() as client:
        ticket = client.publish(b"1")
        producer = bus.producer()
        producer.send(Record(topic="recommendations", key=ticket.key.encode(), value=b"{")).result()
        producer.close()
        say(bus, outcome(ticket.key))
        assert client.wait(ticket, timeout_s=PATIENCE_S).status == "answered"
    said = capsys.readouterr()
    assert said.out == ""
    assert "client.unreadable" in said.err


def test_a_program_that_logs_by_itself_keeps_its_ways(environment):
    environment(KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}", KAFKA_CONNECT_TIMEOUT_S=0.2)
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    before = structlog.get_config()
    with pytest.raises(DependencyError, match="out of reach"):
        connect()
    assert structlog.get_config() == before


def test_a_misspelt_variable_is_named(environment):
    environment(KAFKA_BOOTSTRAP_SERVER="broker:9092")
    with pytest.raises(SettingsError, match="unknown setting TUNEKIN_KAFKA_BOOTSTRAP_SERVER") as raised:
        connect()
    assert "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS" in raised.value.hint


@pytest.mark.parametrize(
    ("wrong", "why"), [({"max_in_flight": 0}, "max_in_flight is 0"), ({"retries": -1}, "retries is -1")]
)
def test_an_option_that_can_not_be_right_is_named(wrong, why):
    with pytest.raises(OptionError, match=why):
        connect(**wrong)
