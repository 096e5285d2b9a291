"""Redis by TLS only, with an account that may use the keys of answers only."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
import redis
from structlog.testing import capture_logs

from tests.integration.secured.authority import Authority
from tests.integration.secured.servers import SecuredRedis
from tunekin_native.server import HOST
from tunekin_ranker.adapters.redis_cache import RedisCache

WRONG = "not-this-one"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SecuredRedis]:
    folder = tmp_path_factory.mktemp("redis")
    with SecuredRedis(folder, identity=authority.identity("redis"), ca_file=authority.ca_file) as server:
        yield server


@pytest.fixture
def key() -> str:
    return f"tunekin:answer:test:{uuid4().hex}"


def opened(url: str) -> "closing[RedisCache]":
    return closing(RedisCache(url, ttl_s=60, timeout_s=5))


def test_an_account_with_rights_to_answers_can_do_all_that_a_ranker_does(server, authority, key):
    with opened(f"{server.url}?ssl_ca_certs={authority.ca_file}") as cache, capture_logs() as logs:
        assert cache.join(key) is None
        cache.leave(key)
        assert cache.join(key) is None
        cache.set(key, b"value")
        assert cache.get(key) == b"value"
    assert logs == []


def test_that_account_may_use_no_other_keys(server, authority):
    with closing(redis.Redis.from_url(f"{server.url}?ssl_ca_certs={authority.ca_file}")) as client:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("another")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushall()


@pytest.mark.parametrize("wrong", ["password", "user", "authority", "no authority", "name", "right"])
def test_whatever_is_wrong_is_a_miss_and_the_log_says_why(server, authority, stranger, key, wrong):
    url, ca_file, password = server.url, authority.ca_file, server.password()
    asked, why = {
        "password": (f"{url.replace(password, WRONG)}?ssl_ca_certs={ca_file}", "AuthenticationError: invalid username"),
        "user": (f"{url.replace('//tunekin:', '//ann:')}?ssl_ca_certs={ca_file}", "AuthenticationError: invalid user"),
        "authority": (
            f"{url}?ssl_ca_certs={stranger.ca_file}",
            "certificate verify failed: self-signed certificate in",
        ),
        "no authority": (url, "certificate verify failed: self-signed certificate in"),
        "name": (f"{url.replace(HOST, 'localhost')}?ssl_ca_certs={ca_file}", "not valid for 'localhost'"),
        "right": (f"{url}?ssl_ca_certs={ca_file}", "NoPermissionError"),
    }[wrong]
    with opened(asked) as cache, capture_logs() as logs:
        assert cache.get("another" if wrong == "right" else key) is None
        cache.set(key, b"lost")
    (event,) = logs
    assert event["event"] == "cache.unavailable"
    assert why in event["error"]
    assert password not in str(logs)
    assert WRONG not in str(logs)
