"""How often one address may ask."""

import pytest

from tunekin_web.limits import RateLimit
from tunekin_web.problems import TooManyError


class Watch:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_quarter_of_a_minute_may_come_at_once_and_the_rest_as_time_goes_by():
    watch = Watch()
    rate = RateLimit(8, clock=watch)
    for _ in range(2):
        rate.take("a")
    with pytest.raises(TooManyError) as caught:
        rate.take("a")
    assert caught.value.retry_after_s == 8
    rate.take("b")
    watch.now_s = 7.5
    rate.take("a")
    with pytest.raises(TooManyError):
        rate.take("a")


def test_looking_counts_nothing():
    rate = RateLimit(4, clock=Watch())
    for _ in range(5):
        rate.check("a")
    rate.take("a")
    for _ in range(2):
        with pytest.raises(TooManyError):
            rate.check("a")


def test_zero_sets_no_limit():
    rate = RateLimit(0, clock=Watch())
    for _ in range(100):
        rate.take("a")
        rate.check("a")
