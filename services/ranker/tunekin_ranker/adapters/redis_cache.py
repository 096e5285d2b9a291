"""Cache in Redis, shared by all rankers; without Redis, answers are the same, only slower."""

import time
from collections.abc import Callable
from typing import TypeVar

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from tunekin.ca_file import check_ca_file
from tunekin.errors import SettingsError

__all__ = ["RedisCache"]

# With a time-out of 50 ms, a Redis that does not answer costs a busy ranker 5 % of its time.
_PAUSE_S = 1.0
# How long a ranker waits for an answer that another one makes: longer than a search mostly takes. One that dies over it
# holds nobody up for longer.
_TURN_S = 2.0
_LOOK_S = 0.005
_URL_HINT = "use redis://USER:PASSWORD@HOST:PORT/0, or for TLS rediss:// with ?ssl_ca_certs=FILE"

T = TypeVar("T")


def _nothing() -> None:
    """Tell nobody."""


class RedisCache:
    """Answers in Redis; used by one thread.

    Whatever goes wrong with Redis is a miss. After a failure Redis is left alone for a second, so that an outage costs
    few clips a time-out; its beginning and its end are logged.

    Parameters
    ----------
    url : str
        ``redis://:PASSWORD@HOST:PORT/DATABASE``, or with an ACL ``redis://USER:PASSWORD@…``; with TLS by ``rediss://``,
        and ``?ssl_ca_certs=FILE`` for an authority that the system does not know.
    ttl_s : float
        How long an entry is kept.
    timeout_s : float
        How long Redis may take to connect, and to answer.
    failed : callable
        Told of each question that Redis did not answer.
    clock : callable
        Seconds that never go back.
    sleep : callable
        Lets as many seconds pass.

    Raises
    ------
    SettingsError
        The URL can't be read, its file of certificates can't be used, or a time is not positive.
    """

    def __init__(
        self,
        url: str,
        *,
        ttl_s: float,
        timeout_s: float,
        failed: Callable[[], None] = _nothing,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if min(ttl_s, timeout_s) <= 0:
            raise SettingsError(f"the cache's times must be positive, not {ttl_s:g} s and {timeout_s:g} s")
        try:
            self._redis = redis.Redis.from_url(
                url,
                socket_connect_timeout=timeout_s,
                socket_timeout=timeout_s,
                # A miss now is better than a hit after ten tries.
                retry=Retry(NoBackoff(), 0),
            )
            # An option that the client does not know would else show at the first answer, and as no error of Redis.
            self._redis.connection_pool.make_connection()
        except ValueError as error:
            # Its text may hold the password.
            raise SettingsError("the cache's URL can't be read", hint=_URL_HINT) from error
        except (TypeError, redis.RedisError) as error:
            raise SettingsError(f"the cache's URL has a wrong option: {error}", hint=_URL_HINT) from error
        ca_file = self._redis.connection_pool.connection_kwargs.get("ssl_ca_certs")
        if ca_file is not None:
            check_ca_file(ca_file, named="ssl_ca_certs of the cache's URL")
        self._ttl_ms = max(round(ttl_s * 1000), 1)
        self._failed = failed
        self._clock = clock
        self._sleep = sleep
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._rests_until: float | None = None

    def get(self, key: str) -> bytes | None:
        """Return what was stored.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        bytes or None
            None where it is not, or no longer, there, or Redis does not answer.
        """
        value = self._ask(lambda: self._redis.get(key))
        return value if isinstance(value, bytes) else None

    def join(self, key: str) -> bytes | None:
        """Return what was stored; where another ranker is making it this moment, wait for that, two seconds at most.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        bytes or None
            None makes it the caller's turn, as an outage of Redis does.
        """
        value = self.get(key)
        gives_up_s = self._clock() + _TURN_S
        while value is None:
            mine = self._ask(lambda: bool(self._redis.set(_turn(key), b"", nx=True, px=round(_TURN_S * 1000))))
            if mine is not False or self._clock() >= gives_up_s:
                # What was stored between the look and the turn counts too.
                return self.get(key)
            self._sleep(_LOOK_S)
            value = self.get(key)
        return value

    def leave(self, key: str) -> None:
        """Let no other ranker wait for a value any longer.

        Parameters
        ----------
        key : str
            Its name.
        """
        self._ask(lambda: self._redis.delete(_turn(key)))

    def set(self, key: str, value: bytes) -> None:
        """Store a value until its time is over; nothing happens where Redis does not answer.

        Parameters
        ----------
        key : str
            Its name.
        value : bytes
            What to keep.
        """

        def store() -> None:
            with self._redis.pipeline() as pipeline:
                pipeline.set(key, value, px=self._ttl_ms)
                pipeline.delete(_turn(key))
                pipeline.execute()

        self._ask(store)

    def close(self) -> None:
        """Release the connection."""
        self._redis.close()

    def _ask(self, command: Callable[[], T]) -> T | None:
        """Return the result of a command; None while Redis is out of reach."""
        if self._rests_until is not None and self._clock() < self._rests_until:
            return None
        try:
            result = command()
        except (redis.RedisError, OSError) as error:
            if self._rests_until is None:
                self._log.warning("cache.unavailable", error=f"{type(error).__name__}: {error}")
            self._rests_until = self._clock() + _PAUSE_S
            self._failed()
            return None
        if self._rests_until is not None:
            self._log.info("cache.available")
            self._rests_until = None
        return result


def _turn(key: str) -> str:
    """Name of the entry that is there while somebody makes a value."""
    return f"{key}:turn"
