import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text

from tunekin.catalogue.database import open_engine, reading, writing
from tunekin.errors import DependencyError
from tunekin_native import kafka as native_kafka
from tunekin_native.kafka import Kafka
from tunekin_native.redis import Redis
from tunekin_native.server import HOST, free_port, kept_port, program

START_REDIS = """
import sys, time
from pathlib import Path
from tunekin_native.redis import Redis

server = Redis(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


def is_running(pid) -> bool:
    """Whether a process runs; one that ended and is not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_takes_connections_once_it_has_started(tmp_path):
    with Redis(tmp_path / "redis") as server:
        assert redis.Redis.from_url(server.url).ping() is True
        pid = server.pid
    assert server.pid is None
    assert not is_running(pid)


def test_a_server_lets_in_nobody_without_the_password(redis_server):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(host=HOST, port=redis_server.port, retry=Retry(NoBackoff(), 0)).ping()


def test_starting_a_server_that_runs_changes_nothing(redis_server):
    pid = redis_server.pid
    redis_server.start()
    assert redis_server.pid == pid


def test_servers_that_have_not_started_have_different_ports(tmp_path, monkeypatch):
    monkeypatch.setattr("random.sample", lambda ports, count: list(ports)[:count])
    ports = [free_port(), kept_port(tmp_path / "one"), kept_port(tmp_path / "two"), free_port()]
    assert len(set(ports)) == len(ports)
    assert kept_port(tmp_path / "one") == ports[1]


def test_a_server_that_cannot_start_says_why(tmp_path):
    with socket.create_server((HOST, free_port())) as taken:
        server = Redis(tmp_path / "redis", port=taken.getsockname()[1])
        with pytest.raises(DependencyError, match=r"redis-server on .* ended with code 1 .*(?s:.*)in use"):
            server.start()
    assert server.pid is None


def test_a_server_that_takes_too_long_is_ended(tmp_path):
    server = Redis(tmp_path / "redis", start_timeout_s=0.3)
    server.ready_line = b"never said"  # type: ignore[misc]
    with pytest.raises(DependencyError, match=r"was not ready after 0\.3 s"):
        server.start()
    assert server.pid is None


def test_a_program_that_is_missing_is_told_with_what_to_do():
    with pytest.raises(DependencyError, match="no-such-program is not installed") as raised:
        program("no-such-program")
    assert "deploy/native/install" in raised.value.hint


def test_jars_that_are_missing_are_told_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEKIN_NATIVE_CACHE", str(tmp_path))
    with pytest.raises(DependencyError, match=r"pom\.xml") as raised:
        native_kafka.jars()
    assert "deploy/native/install" in raised.value.hint


def test_a_server_dies_with_the_process_that_started_it(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", START_REDIS, tmp_path / "redis"], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nobody_else_may_read_the_password(redis_server):
    assert redis_server.folder.stat().st_mode & 0o077 == 0
    assert (redis_server.folder / "password").stat().st_mode & 0o077 == 0


def test_mariadb_keeps_what_was_committed_when_it_is_killed(mariadb_server):
    engine = open_engine(mariadb_server.url)
    with writing(engine) as connection:
        connection.execute(text("CREATE OR REPLACE TABLE kept (word VARCHAR(9))"))
        connection.execute(text("INSERT INTO kept VALUES ('봄날')"))
    port = mariadb_server.port
    mariadb_server.kill()
    with pytest.raises(DependencyError), reading(engine):
        pass
    mariadb_server.start()
    assert mariadb_server.port == port
    with reading(engine) as connection:
        assert connection.execute(text("SELECT word FROM kept")).scalars().all() == ["봄날"]
    with writing(engine) as connection:
        connection.execute(text("DROP TABLE kept"))
    engine.dispose()


def test_kafka_keeps_what_was_acknowledged_when_it_is_killed_and_makes_no_topic_unasked(kafka_server: Kafka):
    topic = "native.kept"
    admin = KafkaAdminClient(bootstrap_servers=kafka_server.address)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    producer = KafkaProducer(bootstrap_servers=kafka_server.address)
    producer.send(topic, b"kept").get(30)
    producer.close()
    admin.close()
    kafka_server.kill()
    kafka_server.start()
    consumer = KafkaConsumer(
        topic, bootstrap_servers=kafka_server.address, auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    assert next(consumer).value == b"kept"
    assert topic in consumer.topics()
    assert not consumer.partitions_for_topic("native.never_made")
    assert "native.never_made" not in consumer.topics()
    consumer.close()
