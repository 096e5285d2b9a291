"""What two processes of plain arithmetic reach over one: the most that a second worker can bring on a machine."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter

__all__ = ["processes_2"]

_ROUNDS = 5


def processes_2() -> float:
    """Measure it.

    Returns
    -------
    float
        2 where the machine has two free cores.
    """
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_arithmetic, range(2)))
        one_s, two_s = [], []
        for _ in range(_ROUNDS):
            began_s = perf_counter()
            pool.submit(_arithmetic, 0).result()
            one_s.append(perf_counter() - began_s)
            began_s = perf_counter()
            list(pool.map(_arithmetic, range(2)))
            two_s.append(perf_counter() - began_s)
    return 2 * min(one_s) / min(two_s)


def _arithmetic(seed: int) -> float:
    """Add up for a while."""
    total = float(seed)
    for i in range(5_000_000):
        total += i * 0.5
    return total
