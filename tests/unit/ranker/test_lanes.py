"""What the proofs rely on of single instructions."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tunekin_ranker.lanes import (
    DOT_PRODUCTS,
    GROUP,
    ROOT_ERROR,
    ROWS,
    SPREAD,
    WIDTH,
    dot_products,
    load_rows,
    repeat,
    roots_less,
    shared_steps,
    splat,
    store_rows,
)

ALL = ROWS * WIDTH


@numba.njit
def take_roots(values, less, out, least):
    for i in range(0, values.size, ALL):
        store_rows(out, i, roots_less(load_rows(values, i), repeat(splat(least, 0)), load_rows(less, i)))


def roots_of(values, less, *, least=2.0**-100):
    found = np.empty_like(values)
    take_roots(values, less, found, np.array([least], np.float32))
    return found


def test_roots_are_never_off_by_more_than_is_said():
    rng = np.random.default_rng(1)
    # Every mantissa matters for an estimate by table: some in each binade, and the ends.
    exponents = np.arange(-100, 101).repeat(1_600)
    values = np.ldexp(rng.uniform(1, 2, exponents.size), exponents).astype(np.float32)
    values[::16] = np.ldexp(1.0, exponents[::16])
    values[1::16] = np.nextafter(values[::16], np.float32(0))
    values = np.maximum(values, np.float32(2.0**-100))
    found = roots_of(values, np.zeros_like(values))
    wanted = np.sqrt(values.astype(np.float64))
    assert (np.abs(found - wanted) <= ROOT_ERROR * wanted).all()


def test_what_is_taken_off_is_rounded_once_more():
    values, less = np.full(ALL, 4, np.float32), np.linspace(0, 5, ALL, dtype=np.float32)
    found = roots_of(values, less)
    assert np.abs(found - (2 - less.astype(np.float64))).max() <= 2 * ROOT_ERROR + 5 * 2.0**-24


def test_what_is_less_counts_as_the_least():
    values = np.linspace(-9, 9, ALL, dtype=np.float32)
    found = roots_of(values, np.zeros_like(values), least=4.0)
    wanted = np.sqrt(np.maximum(values.astype(np.float64), 4))
    assert (np.abs(found - wanted) <= ROOT_ERROR * wanted).all()


@pytest.mark.skipif(not DOT_PRODUCTS, reason="this processor multiplies no bytes")
@pytest.mark.parametrize("groups", [1, 2, 3, 5])
@given(data=st.data())
def test_products_of_the_greatest_bytes_are_exact(groups, data):
    size = groups * GROUP
    values = data.draw(hnp.arrays(np.float64, (ROWS, size), elements=st.sampled_from([-3.0, -1.0, 0.0, 0.7, 3.0])))
    codes = data.draw(hnp.arrays(np.uint8, (WIDTH, size), elements=st.sampled_from([1, 128, 255])))
    steps = np.maximum(shared_steps(values), 2.0**-40)
    shared = np.rint(values / steps[:, np.newaxis]).astype(np.int64)
    assert np.abs(shared).max() <= 127
    offsets = np.arange(ROWS) - 9
    found = np.empty((ROWS, WIDTH), np.float32)
    LOOPS[groups](
        codes.reshape(WIDTH, groups, GROUP).transpose(1, 0, 2).ravel(),
        np.repeat(shared.reshape(ROWS, groups, 1, GROUP).transpose(1, 0, 2, 3), SPREAD, axis=2).astype(np.int8).ravel(),
        np.repeat(offsets, SPREAD).astype(np.int32),
        found.ravel(),
    )
    assert (found == shared @ codes.T.astype(np.int64) + offsets[:, np.newaxis]).all()


def multiplying(groups):
    dots = dot_products(groups=groups, stride=WIDTH * GROUP)

    @numba.njit
    def multiply(codes, shared, offsets, out):
        store_rows(out, 0, dots(codes, 0, shared, 0, offsets, 0))

    return multiply


LOOPS = {groups: multiplying(groups) for groups in (1, 2, 3, 5)}
