"""Kafka by TLS and password: what the settings promise, and what is said where they are wrong."""

import contextlib
import datetime as dt
import gc
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import kafka
import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType
from kafka.admin import UserScramCredentialUpsertion as Password
from structlog.testing import capture_logs

from tests.installation import silence, wait_for
from tests.integration.secured.authority import Authority
from tests.integration.secured.servers import USER, SecuredKafka
from tunekin.client import connect
from tunekin.errors import DependencyError, SettingsError
from tunekin.kafka import KafkaBus, KafkaSettings, check, create_missing, drift, lags
from tunekin.ports import Record
from tunekin.topics import TOPICS
from tunekin_native.server import HOST
from tunekin_native.workers import Worker

CLIPS = [replace(TOPICS["clips"], partitions=1)]
PATIENCE_S = 60.0
WRONG = "not-this-one"
PREFIX = "ours."
# What docs/distributed.md asks an operator to grant.
RIGHTS = [
    (ResourceType.TOPIC, ACLOperation.CREATE),
    (ResourceType.TOPIC, ACLOperation.DESCRIBE_CONFIGS),
    (ResourceType.TOPIC, ACLOperation.READ),
    (ResourceType.TOPIC, ACLOperation.WRITE),
    (ResourceType.GROUP, ACLOperation.READ),
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SecuredKafka]:
    folder = tmp_path_factory.mktemp("secured") / "kafka"
    with SecuredKafka(folder, identity=authority.identity("kafka"), ca_file=authority.ca_file) as server:
        with administrator(server, authority) as admin:
            for kind, operation in RIGHTS:
                grant(admin, USER, kind, operation, PREFIX)
        yield server


@contextlib.contextmanager
def administrator(broker: SecuredKafka, authority: Authority) -> Iterator[kafka.KafkaAdminClient]:
    admin = kafka.KafkaAdminClient(
        bootstrap_servers=broker.admin, security_protocol="SSL", ssl_cafile=str(authority.ca_file)
    )
    with contextlib.closing(admin):
        yield admin


def grant(admin: kafka.KafkaAdminClient, user: str, kind: ResourceType, operation: ACLOperation, prefix: str) -> None:
    pattern = ResourcePattern(kind, prefix, ACLResourcePatternType.PREFIXED)
    assert not admin.create_acls([ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, pattern)])["failed"]


@pytest.fixture
def environment(broker: SecuredKafka, authority: Authority) -> dict[str, str]:
    """Settings of an installation of its own, whose account has no rights but those to such ones."""
    return {
        "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS": broker.address,
        "TUNEKIN_KAFKA_PREFIX": f"{PREFIX}{uuid.uuid4().hex[:8]}.",
        "TUNEKIN_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "TUNEKIN_KAFKA_USER": USER,
        "TUNEKIN_KAFKA_PASSWORD": broker.password(),
        "TUNEKIN_KAFKA_CA_FILE": str(authority.ca_file),
        "TUNEKIN_KAFKA_CONNECT_TIMEOUT_S": "30",
    }


@pytest.fixture
def settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return KafkaSettings()


def carry(settings: KafkaSettings) -> None:
    """Send a large record, and read it as a member of a group."""
    sent = os.urandom(1_500_000)
    bus = KafkaBus(settings)
    with (
        contextlib.closing(bus.producer()) as producer,
        contextlib.closing(bus.consumer(["clips"], group="g")) as reader,
    ):
        producer.send(Record(topic="clips", key=b"k", value=sent)).result()
        give_up_s = time.monotonic() + PATIENCE_S
        while not (records := reader.poll(timeout_s=0.5, max_records=1)):
            assert time.monotonic() < give_up_s
        reader.commit()
    assert records[0].value == sent


def test_an_account_with_rights_to_its_prefix_can_do_all_that_tunekin_does(settings):
    assert create_missing(settings, CLIPS) == ["clips"]
    assert drift(settings, CLIPS) == []
    check(settings, CLIPS)
    carry(settings)
    (lag,) = lags(settings)
    assert (lag.group, lag.behind) == ("g", {"clips": 0})


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
def test_other_mechanisms_let_the_account_in_too(settings, mechanism):
    assert create_missing(settings.model_copy(update={"sasl_mechanism": mechanism}), CLIPS) == ["clips"]


def test_where_brokers_ask_for_no_account_tls_alone_does(settings, broker):
    settings = settings.model_copy(
        update={"bootstrap_servers": broker.admin, "security_protocol": "SSL", "user": "", "password": ""}
    )
    create_missing(settings, CLIPS)
    carry(settings)


def test_a_name_may_hold_what_scram_gives_a_meaning_to(settings, broker, authority):
    name = "CN=clips,O=home"
    with administrator(broker, authority) as admin:
        admin.alter_user_scram_credentials([Password(name, "SCRAM-SHA-512", b"sesame")])
    with pytest.raises(SettingsError, match=f"refuses the user '{name}': .*TopicAuthorizationFailedError"):
        check(KafkaSettings(**{**settings.model_dump(), "user": name, "password": "sesame"}), CLIPS)


def test_topics_that_the_account_has_no_right_to_are_not_taken_for_topics_that_are_there(settings):
    settings = settings.model_copy(update={"prefix": "others."})
    for ask in (check, create_missing, drift):
        with pytest.raises(SettingsError, match=r"refuses the user 'tunekin': .*others\.clips") as caught:
            ask(settings, CLIPS)
        assert "grant the rights" in caught.value.hint


def make_producer(settings: KafkaSettings) -> None:
    KafkaBus(settings).producer()


def make_consumer(settings: KafkaSettings) -> None:
    KafkaBus(settings).consumer(["clips"], group="g")


@pytest.fixture
def wrong(broker: SecuredKafka, stranger: Authority) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Settings that are wrong, what is said of them, and the variable to correct."""
    return {
        "password": (
            {"password": WRONG},
            "refuses the user 'tunekin': .*invalid credentials",
            "TUNEKIN_KAFKA_PASSWORD",
        ),
        "user": ({"user": "ann"}, "refuses the user 'ann': .*invalid credentials", "TUNEKIN_KAFKA_USER"),
        "authority": ({"ca_file": stranger.ca_file}, "an authority that is not known here", "TUNEKIN_KAFKA_CA_FILE"),
        "no authority": ({"ca_file": None}, "an authority that is not known here", "TUNEKIN_KAFKA_CA_FILE"),
        "name": (
            {"bootstrap_servers": broker.address.replace(HOST, "localhost")},
            "a certificate for another name: .*not valid for 'localhost'",
            "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS",
        ),
    }


@pytest.mark.parametrize(
    ("what", "ask"),
    [
        *((what, check) for what in ("password", "user", "authority", "no authority", "name")),
        *((what, ask) for what in ("password", "authority") for ask in (make_producer, make_consumer)),
    ],
)
def test_what_is_wrong_is_said_at_the_start_with_what_to_set_and_without_the_password(settings, wrong, what, ask):
    changed, why, variable = wrong[what]
    settings = KafkaSettings(**{**settings.model_dump(), **changed})
    with capture_logs() as logs, pytest.raises(SettingsError, match=why) as caught:
        ask(settings)
    assert variable in caught.value.hint
    assert [event["event"] for event in logs] == ["kafka.not_connected"]
    said = f"{caught.value.message} {caught.value.hint} {logs} {caught.value.__cause__!r}"
    assert settings.password.get_secret_value() not in said
    # No socket is left to the garbage collector, who would warn.
    del caught
    gc.collect()


@pytest.mark.parametrize("ask", [check, make_consumer])
def test_a_broker_that_tells_clients_to_go_on_at_another_name_than_its_certificate_has_is_named(settings, broker, ask):
    with pytest.raises(SettingsError, match=r"for another name: .*not valid for 'localhost'") as caught:
        ask(settings.model_copy(update={"bootstrap_servers": broker.moved}))
    assert "advertised.listeners" in caught.value.hint


def test_a_certificate_that_has_expired_is_told_from_one_that_is_not_known(authority):
    expired = authority.identity("expired", remaining=-dt.timedelta(hours=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired.certificate, expired.key)
    with socket.create_server((HOST, 0)) as listening:

        def show() -> None:
            connection, _ = listening.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
                pass

        showing = threading.Thread(target=show)
        showing.start()
        address = f"{HOST}:{listening.getsockname()[1]}"
        with pytest.raises(SettingsError, match="can't be believed: certificate has expired") as caught:
            check(KafkaSettings(bootstrap_servers=address, security_protocol="SSL", ca_file=authority.ca_file))
        showing.join()
    assert "clock" in caught.value.hint


def test_who_speaks_without_tls_to_a_broker_that_wants_it_is_told_of_the_protocol(settings):
    settings = settings.model_copy(update={"security_protocol": "SASL_PLAINTEXT", "connect_timeout_s": 0.5})
    with pytest.raises(DependencyError, match="gives no answer") as caught:
        check(settings)
    assert "TUNEKIN_KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT" in caught.value.hint


def test_a_login_that_is_refused_while_a_client_runs_is_logged_and_tried_again(settings, broker, authority):
    create_missing(settings, CLIPS)
    settings = KafkaSettings(
        **{**settings.model_dump(), "sasl_mechanism": "SCRAM-SHA-256", "user": "mover", "password": "first"}
    )

    def give(admin: kafka.KafkaAdminClient, password: bytes) -> None:
        admin.alter_user_scram_credentials([Password("mover", "SCRAM-SHA-256", password)])

    with administrator(broker, authority) as admin, capture_logs() as logs:
        give(admin, b"first")
        grant(admin, "mover", ResourceType.TOPIC, ACLOperation.WRITE, PREFIX)
        with contextlib.closing(KafkaBus(settings).producer()) as producer:
            producer.send(Record(topic="clips", key=b"k", value=b"1")).result()
            give(admin, b"second")
            wait_for(lambda: any("invalid credentials" in str(event.get("error")) for event in logs))
            give(admin, b"first")
            producer.send(Record(topic="clips", key=b"k", value=b"2")).result()
    assert {event["event"] for event in logs} == {"kafka.not_connected", "kafka.connected"}


# --- programs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def publisher(environment: dict[str, str], broker: SecuredKafka, authority: Authority) -> dict[str, str]:
    """Settings of who may write clips and read answers, and nothing else."""
    prefix = environment["TUNEKIN_KAFKA_PREFIX"]
    with administrator(broker, authority) as admin:
        admin.alter_user_scram_credentials([Password("publisher", "SCRAM-SHA-512", b"sesame")])
        grant(admin, "publisher", ResourceType.TOPIC, ACLOperation.WRITE, f"{prefix}clips")
        grant(admin, "publisher", ResourceType.TOPIC, ACLOperation.READ, f"{prefix}recommendations")
    return environment | {"TUNEKIN_KAFKA_USER": "publisher", "TUNEKIN_KAFKA_PASSWORD": "sesame"}


@pytest.fixture
def tunekin(environment: dict[str, str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """The command line, perhaps with other settings."""

    def run(*arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(Path(sys.executable).parent / "tunekin"), *arguments],
            env=os.environ | environment | changed,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    return run


def test_a_clip_comes_from_a_publisher_of_few_rights_through_a_worker_and_back(
    environment, publisher, tunekin, tmp_path, monkeypatch
):
    done = tunekin("topics", "--create")
    assert done.returncode == 0, done.stdout + done.stderr
    for name, value in publisher.items():
        monkeypatch.setenv(name, value)
    worker = Worker("decode-clips", log=tmp_path / "worker.log", environment=environment)
    worker.start()
    try:
        with connect() as client:
            answer = client.wait(client.publish(silence()), timeout_s=PATIENCE_S)
        assert (answer.status, answer.error.code) == ("failed", "audio.silent")
    finally:
        worker.stop()
    said = worker.log.read_text()
    assert "process.left" in said
    assert environment["TUNEKIN_KAFKA_PASSWORD"] not in said


def test_programs_end_and_say_why_where_the_broker_refuses_them(environment, tunekin, stranger, tmp_path):
    done = tunekin("topics", TUNEKIN_KAFKA_PASSWORD=WRONG)
    assert done.returncode != 0
    assert "invalid credentials" in done.stderr
    assert "TUNEKIN_KAFKA_PASSWORD" in done.stderr
    assert WRONG not in done.stdout + done.stderr
    changed = {"TUNEKIN_KAFKA_CA_FILE": str(stranger.ca_file)}
    worker = Worker("decode-clips", log=tmp_path / "worker.log", environment=environment | changed)
    worker.start()
    give_up_s = time.monotonic() + PATIENCE_S
    while worker.code is None:
        assert time.monotonic() < give_up_s
        time.sleep(0.1)
    said = worker.log.read_text()
    assert worker.code == 78, said
    assert "an authority that is not known here" in said
    assert environment["TUNEKIN_KAFKA_PASSWORD"] not in said
