"""Processes that compute side by side, one thread in each.

Libraries of linear algebra start as many threads as there are processors, in every process. Where every processor has a
process of its own already, those threads wait for each other, and do so by turning round and round.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

__all__ = ["ONE_THREAD", "process_pool"]

# What a process finds in its environment so that its libraries compute in one thread.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@contextmanager
def process_pool(workers: int, *, initializer: Callable[[], None] | None = None) -> Iterator[ProcessPoolExecutor]:
    """Start processes when there is work for them, and end them.

    They are fresh interpreters: a fork would inherit locks and thread pools in whatever state they are. Meanwhile every
    other process that this one starts computes in one thread too.

    Parameters
    ----------
    workers : int
        The most processes, 1 and up.
    initializer : callable, optional
        What each calls before its first work; a function of a module.

    Yields
    ------
    ProcessPoolExecutor
        The processes.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=initializer) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
