"""Settings of the Kafka clients: complete before anything connects."""

import ssl
from pathlib import Path

import pytest

from tunekin.errors import SettingsError
from tunekin.kafka import KafkaSettings
from tunekin.settings import read


@pytest.mark.parametrize("missing", ["USER", "PASSWORD"])
def test_authentication_needs_user_and_password(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv("TUNEKIN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    for name in {"USER", "PASSWORD"} - {missing}:
        monkeypatch.setenv(f"TUNEKIN_KAFKA_{name}", "sesame")
    with pytest.raises(SettingsError) as caught:
        read(KafkaSettings)
    assert f"TUNEKIN_KAFKA_{missing} is " in caught.value.message
    assert "needed with TUNEKIN_KAFKA_SECURITY_PROTOCOL=SASL_SSL" in caught.value.message
    assert "sesame" not in caught.value.message


def test_no_error_shows_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIN_KAFKA_PASSWORD", "sesame")
    monkeypatch.setenv("TUNEKIN_KAFKA_COMPRESSION", "brotli")
    with pytest.raises(SettingsError) as caught:
        read(KafkaSettings)
    assert "TUNEKIN_KAFKA_COMPRESSION is 'brotli'" in caught.value.message
    assert "sesame" not in caught.value.message
    monkeypatch.delenv("TUNEKIN_KAFKA_COMPRESSION")
    assert "sesame" not in repr(read(KafkaSettings))


@pytest.mark.parametrize("servers", ["localhost", "a:1;b:2", "a:1, b:2", "a:one"])
def test_servers_are_hosts_with_ports(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    monkeypatch.setenv("TUNEKIN_KAFKA_BOOTSTRAP_SERVERS", servers)
    with pytest.raises(SettingsError, match="TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"):
        read(KafkaSettings)


def test_who_connects_is_told_only_where_it_is_asked() -> None:
    assert "sasl_plain_password" not in KafkaSettings(user="ann", password="sesame").connection()
    told = KafkaSettings(user="ann", password="sesame", security_protocol="SASL_SSL").connection()
    assert (told["sasl_plain_username"], told["sasl_plain_password"]) == ("ann", "sesame")
    assert told["sasl_mechanism"] == "SCRAM-SHA-512"


def test_brokers_are_checked_where_tls_is_asked_for_and_there_alone() -> None:
    assert "ssl_context" not in KafkaSettings(security_protocol="PLAINTEXT").connection()
    context = KafkaSettings(security_protocol="SSL").connection()["ssl_context"]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_file_without_certificates_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    settings = KafkaSettings(security_protocol="SSL", ca_file=tmp_path / "ca.pem")
    with pytest.raises(SettingsError, match=r"TUNEKIN_KAFKA_CA_FILE is .*ca\.pem', which can't be used"):
        settings.connection()


def test_a_delivery_has_time_for_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIN_KAFKA_REQUEST_TIMEOUT_S", "40")
    monkeypatch.setenv("TUNEKIN_KAFKA_DELIVERY_TIMEOUT_S", "39")
    with pytest.raises(SettingsError, match="shorter than TUNEKIN_KAFKA_REQUEST_TIMEOUT_S=40"):
        read(KafkaSettings)
