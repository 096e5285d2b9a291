"""How often one address may ask."""

import math
from collections import OrderedDict

from tunekin.ports import Clock
from tunekin_web.problems import TooManyError

__all__ = ["RateLimit"]

_MINUTE_S = 60.0
# Addresses that are remembered; whoever is forgotten starts with a full bucket.
_ADDRESSES = 10_000


class RateLimit:
    """A bucket of requests for each address, refilled steadily; used by one thread.

    Parameters
    ----------
    per_minute : int
        Requests in a minute; a quarter of them may come at once. 0 sets no limit.
    clock : Clock
        Time in seconds.
    """

    def __init__(self, per_minute: int, *, clock: Clock) -> None:
        self._per_s = per_minute / _MINUTE_S
        self._most = max(per_minute / 4, 1.0)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Count a request.

        Parameters
        ----------
        address : str
            Who asks.

        Raises
        ------
        TooManyError
            The address asks too often.
        """
        self.check(address)
        if self._per_s:
            self._buckets[address] = self._left(address) - 1, self._clock()
            self._buckets.move_to_end(address)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)

    def check(self, address: str) -> None:
        """See whether a request would be counted, and count nothing.

        Parameters
        ----------
        address : str
            Who asks.

        Raises
        ------
        TooManyError
            The address asks too often.
        """
        if self._per_s and (left := self._left(address)) < 1:
            wait_s = math.ceil((1 - left) / self._per_s)
            raise TooManyError(
                "too many requests from this address", hint=f"try again in {wait_s} s", retry_after_s=wait_s
            )

    def _left(self, address: str) -> float:
        now_s = self._clock()
        left, since_s = self._buckets.get(address, (self._most, now_s))
        return min(left + (now_s - since_s) * self._per_s, self._most)
