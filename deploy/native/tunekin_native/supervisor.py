"""Start anew whatever ends, later each time."""

import threading
import time
from collections.abc import Sequence

import structlog

from tunekin.errors import TunekinError
from tunekin_native.server import Server
from tunekin_native.workers import Worker

__all__ = ["supervise"]

_WATCH_S = 0.5
# Pause before something that ended is started anew: doubled each time, and short again once it has run for a while.
_FIRST_PAUSE_S, _MOST_PAUSE_S, _SETTLED_S = 1.0, 30.0, 60.0


def supervise(parts: Sequence[Server | Worker], stop: threading.Event) -> None:
    """Start anew whatever ends, until told to stop.

    Parameters
    ----------
    parts : sequence of Server or Worker
        What has been started; nobody else may start it meanwhile.
    stop : threading.Event
        Set by whoever wants the supervision to end.
    """
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    watched = [_Watched(part) for part in parts]
    while not stop.wait(_WATCH_S):
        for one in watched:
            one.look(log)


class _Watched:
    """A part that is started anew whenever it ends, later each time."""

    def __init__(self, part: Server | Worker) -> None:
        self.part = part
        self._pause_s = _FIRST_PAUSE_S
        self._began_s = time.monotonic()
        self._again_s: float | None = None

    def look(self, log: structlog.typing.FilteringBoundLogger) -> None:
        """Start the part if it has ended and its pause is over."""
        now_s = time.monotonic()
        if self.part.pid is not None:
            return
        if self._again_s is None:
            if now_s - self._began_s > _SETTLED_S:
                self._pause_s = _FIRST_PAUSE_S
            self._again_s = now_s + self._pause_s
            log.warning("part.ended", part=self.part.name, code=self.part.code, again_in_s=self._pause_s)
            self._pause_s = min(self._pause_s * 2, _MOST_PAUSE_S)
        if now_s < self._again_s:
            return
        self._again_s = None
        self._began_s = now_s
        try:
            self.part.start()
        except TunekinError as error:
            log.warning("part.failed", part=self.part.name, error=error.message)
        else:
            log.info("part.started", part=self.part.name, pid=self.part.pid)
