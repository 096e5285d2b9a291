"""Threads that share the work of one query."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import OptionError

__all__ = ["Crew"]

# Pieces for each thread: the last to finish then waits little for the others.
_PIECES = 3


class Crew:
    """Threads for compiled loops, which hold no lock of the interpreter; may serve several queries at a time.

    Parameters
    ----------
    threads : int
        How many; 1 does everything in the thread that asks.

    Raises
    ------
    OptionError
        There are none.
    """

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise OptionError(f"threads is {threads}", hint="a count of at least 1")
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="crew") if threads > 1 else None

    def share(
        self, work: Callable[[slice], NDArray[np.floating]], count: int, *, multiple: int
    ) -> NDArray[np.floating]:
        """Do work on a range, in pieces, and put the results one after another.

        Parameters
        ----------
        work : callable
            From a part of the range to an array with an entry for each number in it.
        count : int
            Length of the range.
        multiple : int
            What the length of a piece, but for the last, is a multiple of.

        Returns
        -------
        np.ndarray [shape=(count, ...)]
            What the work gives for the whole range.
        """
        length = max(-(-count // (self._threads * _PIECES * multiple)), 1) * multiple
        if self._pool is None or count <= length:
            return work(slice(0, count))
        pieces = [slice(start, min(start + length, count)) for start in range(0, count, length)]
        results: list[NDArray[np.floating]] = [np.empty(0)] * len(pieces)
        waiting = deque(range(len(pieces)))

        def pull() -> None:
            while waiting:
                try:
                    i = waiting.popleft()
                except IndexError:  # another thread took the last one
                    return
                results[i] = work(pieces[i])

        # To wake a thread takes as long as to compare a track or two, so each is woken once, and the asking one works.
        others = [self._pool.submit(pull) for _ in range(min(self._threads, len(pieces)) - 1)]
        pull()
        for other in others:
            if not other.cancel():
                other.result()
        return np.concatenate(results)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
