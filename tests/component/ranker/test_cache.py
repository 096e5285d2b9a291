"""What the ranker relies on, of every cache; and what only the one in Redis has to bear."""

import socket
from contextlib import closing
from uuid import uuid4

import pytest
import redis
from structlog.testing import capture_logs

from tunekin.errors import SettingsError
from tunekin.ports import Cache
from tunekin_native.redis import Redis
from tunekin_native.server import HOST
from tunekin_ranker.adapters.memory_cache import MemoryCache
from tunekin_ranker.adapters.redis_cache import RedisCache

TIMEOUT_S = 5.0


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def memory_cache() -> Cache:
    return MemoryCache(max_entries=10)


@pytest.fixture
def redis_cache(redis_server: Redis):
    with closing(RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S)) as cache:
        yield cache


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Cache:
    made: Cache = request.getfixturevalue(f"{request.param}_cache")
    return made


@pytest.fixture
def key() -> str:
    return f"tunekin:test:{uuid4().hex}"


# --- every cache -----------------------------------------------------------------------------------------------------


def test_what_was_never_stored_is_a_miss(cache, key):
    assert cache.get(key) is None


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n", "봄날".encode(), b"x" * 1_000_000], ids=len)
def test_a_value_comes_back_as_it_was_stored(cache, key, value):
    cache.set(key, value)
    assert cache.get(key) == value
    assert cache.get(key) == value


def test_a_value_stored_again_replaces_the_first(cache, key):
    cache.set(key, b"first")
    cache.set(key, b"second")
    assert cache.get(key) == b"second"


def test_keys_are_told_apart(cache, key):
    cache.set(key, b"one")
    cache.set(f"{key} ", b"two")
    assert (cache.get(key), cache.get(f"{key} "), cache.get(key.upper())) == (b"one", b"two", None)


def test_who_joins_where_nothing_is_makes_it(cache, key):
    assert cache.join(key) is None
    cache.set(key, b"made")
    assert cache.join(key) == b"made"


def test_who_failed_leaves_the_turn_to_the_next(cache, key):
    assert cache.join(key) is None
    cache.leave(key)
    assert cache.join(key) is None


# --- the cache in Redis ----------------------------------------------------------------------------------------------


def test_every_entry_has_an_end(redis_cache, redis_server, key):
    redis_cache.set(key, b"value")
    with redis.Redis.from_url(redis_server.url) as client:
        assert 50 < client.ttl(key) <= 60


def test_rankers_share_what_one_of_them_stored(redis_cache, redis_server, key):
    redis_cache.set(key, b"value")
    with closing(RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S)) as other:
        assert other.get(key) == b"value"


def test_who_joins_while_another_is_at_it_waits_for_the_value(redis_cache, redis_server, key):
    assert redis_cache.join(key) is None
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            redis_cache.set(key, b"made once")

    with closing(RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S, sleep=wait)) as other:
        assert other.join(key) == b"made once"
    assert len(waits) == 3


def test_who_waits_takes_the_turn_of_one_that_failed(redis_cache, redis_server, key):
    assert redis_cache.join(key) is None
    with closing(
        RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S, sleep=lambda _: redis_cache.leave(key))
    ) as other:
        assert other.join(key) is None
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.exists(f"{key}:turn")


def test_nobody_waits_for_long(redis_cache, redis_server, key):
    assert redis_cache.join(key) is None
    clock = Clock()

    def wait(_: float) -> None:
        clock.now_s += 0.5

    with closing(RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S, clock=clock, sleep=wait)) as other:
        assert other.join(key) is None
    assert clock.now_s == 2
    with redis.Redis.from_url(redis_server.url) as client:
        assert 0 < client.pttl(f"{key}:turn") <= 2_000


def test_a_value_ends_the_turn_that_made_it(redis_cache, redis_server, key):
    assert redis_cache.join(key) is None
    redis_cache.set(key, b"value")
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.keys(f"{key}*") == [key.encode()]


def test_a_redis_that_ends_is_a_miss_and_answers_again_when_it_is_back(redis_server, key):
    clock = Clock()
    with closing(RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S, clock=clock)) as cache:
        cache.set(key, b"before")
        assert cache.get(key) == b"before"
        redis_server.kill()
        with capture_logs() as logs:
            for _ in range(3):
                assert cache.join(key) is None
                cache.set(key, b"lost")
                cache.leave(key)
                clock.now_s += 2
        assert [event["event"] for event in logs] == ["cache.unavailable"]
        redis_server.start()
        with capture_logs() as logs:
            cache.set(key, b"after")
            assert cache.get(key) == b"after"
        assert [event["event"] for event in logs] == ["cache.available"]


def test_a_redis_that_was_restarted_between_two_commands_is_no_outage(redis_server, key):
    with closing(RedisCache(redis_server.url, ttl_s=60, timeout_s=TIMEOUT_S)) as cache:
        cache.set(key, b"before")
        redis_server.restart()
        with capture_logs() as logs:
            cache.set(key, b"after")
            assert cache.get(key) == b"after"
        assert logs == []


def test_a_redis_that_does_not_answer_is_left_alone_for_a_while(key):
    clock = Clock()
    with socket.create_server((HOST, 0)) as silent:
        silent.settimeout(0)
        url = f"redis://{HOST}:{silent.getsockname()[1]}/0"
        with closing(RedisCache(url, ttl_s=60, timeout_s=0.05, clock=clock)) as cache:
            for _ in range(5):
                assert cache.get(key) is None
                cache.set(key, b"lost")
            assert connections(silent) == 1
            clock.now_s += 2
            assert cache.get(key) is None
            assert connections(silent) == 1


def connections(server: socket.socket) -> int:
    """How many connections wait to be taken; they are taken."""
    count = 0
    while True:
        try:
            connection, _ = server.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


@pytest.mark.parametrize("user", ["", "nobody"])
def test_a_wrong_password_is_an_outage_that_is_logged_without_it(redis_server, key, user):
    url = f"redis://{user}:not-this-one@{redis_server.address}/0"
    with closing(RedisCache(url, ttl_s=60, timeout_s=TIMEOUT_S)) as cache, capture_logs() as logs:
        cache.set(key, b"value")
        assert cache.get(key) is None
    assert [event["event"] for event in logs] == ["cache.unavailable"]
    assert "not-this-one" not in str(logs)


def test_an_entry_of_another_kind_is_a_miss(redis_cache, redis_server, key):
    with redis.Redis.from_url(redis_server.url) as client:
        client.rpush(key, "a list")
    assert redis_cache.get(key) is None


def test_a_server_that_speaks_no_tls_is_an_outage(redis_server, key):
    url = redis_server.url.replace("redis://", "rediss://")
    with closing(RedisCache(url, ttl_s=60, timeout_s=0.2)) as cache, capture_logs() as logs:
        assert cache.get(key) is None
    assert [event["event"] for event in logs] == ["cache.unavailable"]


@pytest.mark.parametrize("url", ["http://:secret@localhost", "redis://:secret@localhost:port", ""])
def test_a_url_that_is_none_of_redis_stops_the_start_and_keeps_its_secret(url):
    with pytest.raises(SettingsError, match="can't be read") as raised:
        RedisCache(url, ttl_s=60, timeout_s=1)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("ssl_ca=/etc/hosts", "a wrong option: .*'ssl_ca'"),
        ("ssl_cert_reqs=perhaps", "a wrong option: .*perhaps"),
        ("ssl_ca_certs=/nowhere/ca.pem", "ssl_ca_certs of the cache's URL is '/nowhere/ca.pem', which can't be used"),
        ("ssl_ca_certs=/etc/hosts", "ssl_ca_certs of the cache's URL is '/etc/hosts', which can't be used"),
    ],
)
def test_an_option_that_no_connection_could_be_made_by_stops_the_start(query, why):
    with pytest.raises(SettingsError, match=why) as raised:
        RedisCache(f"rediss://:secret@localhost/0?{query}", ttl_s=60, timeout_s=1)
    assert "secret" not in f"{raised.value.message} {raised.value.hint}"


@pytest.mark.parametrize(("ttl_s", "timeout_s"), [(0, 1), (60, 0), (-1, 1)])
def test_times_that_are_not_positive_stop_the_start(ttl_s, timeout_s):
    with pytest.raises(SettingsError, match="positive"):
        RedisCache("redis://localhost", ttl_s=ttl_s, timeout_s=timeout_s)
