"""What the proofs rely on of single instructions."""

import numba
import numpy as np

from tunekin_ranker.lanes import ROOT_ERROR, WIDTH, load, root_less, store


@numba.njit
def roots_less(values, less, out):
    for i in range(0, values.size, WIDTH):
        store(out, i, root_less(load(values, i), load(less, i)))


def test_roots_are_never_off_by_more_than_is_said():
    rng = np.random.default_rng(1)
    # Every mantissa matters for an estimate by table: some in each binade, and the ends.
    exponents = np.arange(-100, 101).repeat(1_600)
    values = np.ldexp(rng.uniform(1, 2, exponents.size), exponents).astype(np.float32)
    values[::16] = np.ldexp(1.0, exponents[::16])
    values[1::16] = np.nextafter(values[::16], np.float32(0))
    values = np.maximum(values, np.float32(2.0**-100))
    found = np.empty_like(values)
    roots_less(values, np.zeros_like(values), found)
    wanted = np.sqrt(values.astype(np.float64))
    assert (np.abs(found - wanted) <= ROOT_ERROR * wanted).all()


def test_what_is_taken_off_is_rounded_once_more():
    values, less = np.full(WIDTH, 4, np.float32), np.linspace(0, 5, WIDTH, dtype=np.float32)
    found = np.empty_like(values)
    roots_less(values, less, found)
    assert np.abs(found - (2 - less.astype(np.float64))).max() <= 2 * ROOT_ERROR + 5 * 2.0**-24
