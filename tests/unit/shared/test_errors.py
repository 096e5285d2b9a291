"""Errors, as whoever meets them sees them."""

import traceback

from tunekin.errors import DependencyError, OptionError


def test_a_traceback_says_what_to_do():
    shown = "".join(traceback.format_exception(DependencyError("no broker answers", hint="start one")))
    assert shown.splitlines() == ["tunekin.errors.DependencyError: no broker answers", "start one"]
    assert traceback.format_exception(OptionError("k is 0")) == ["tunekin.errors.OptionError: k is 0\n"]
