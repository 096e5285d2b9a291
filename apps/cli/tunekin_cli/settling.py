"""Files that are being written, until they are written."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

__all__ = ["Look", "Settling", "look"]

# What shows that a file was written to; None where there is none.
Look: TypeAlias = Callable[[Path], object]


def look(path: Path) -> object:
    """Look at a file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    object
        Its size and times; None where there is none.
    """
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns


class Settling:
    """Paths that changed, until they have stayed as they are for a while.

    Parameters
    ----------
    quiet_s : float
        For how long.
    clock : callable
        Seconds.
    look : callable
        Looks at a file.
    """

    def __init__(self, *, quiet_s: float, clock: Callable[[], float], look: Look = look) -> None:
        self._quiet_s = quiet_s
        self._clock = clock
        self._look = look
        self._pending: dict[Path, tuple[float, object]] = {}

    def touch(self, paths: Iterable[Path]) -> None:
        """Note that paths changed.

        Parameters
        ----------
        paths : iterable of pathlib.Path
            Files, or folders.
        """
        now_s = self._clock()
        for path in paths:
            self._pending[path] = now_s, self._look(path)

    def settled(self) -> list[Path]:
        """Take the paths that have settled.

        Returns
        -------
        list of pathlib.Path
            Each once, until it is touched again.
        """
        now_s = self._clock()
        for path, (since_s, seen) in list(self._pending.items()):
            if now_s - since_s >= self._quiet_s and (sees := self._look(path)) != seen:
                # Written to without anybody having told.
                self._pending[path] = now_s, sees
        settled = [path for path, (since_s, _) in self._pending.items() if now_s - since_s >= self._quiet_s]
        for path in settled:
            del self._pending[path]
        return settled
