"""Steps: each is computed once, in any number of processes, and nothing half-written is ever read."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tunekin_training import steps as module
from tunekin_training.cluster import map_step
from tunekin_training.steps import Arrays, Steps

calls: list[int] = []


def double(value: NDArray[np.float64], number: int) -> Arrays:
    calls.append(number)
    if number < 0:
        raise ValueError(number)
    return {"doubled": 2 * value, "said": np.array(f"number {number}")}


@pytest.fixture(autouse=True)
def forgotten() -> None:
    calls.clear()


def tasks(*numbers: int) -> list[tuple[NDArray[np.float64], int]]:
    return [(np.array([float(number)]), number) for number in numbers]


def test_what_was_computed_is_not_computed_again(tmp_path: Path) -> None:
    first = Steps(tmp_path).run("doubling", double, tasks(1, 2))
    again = Steps(tmp_path).run("doubling", double, tasks(2, 3, 1))
    assert calls == [1, 2, 3]
    assert [float(result["doubled"][0]) for result in [*first, *again]] == [2, 4, 4, 6, 2]
    assert str(again[1]["said"]) == "number 3"


def test_a_run_that_failed_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="-1"):
        Steps(tmp_path).run("doubling", double, tasks(1, -1, 2))
    Steps(tmp_path).run("doubling", double, tasks(1, 2))
    assert calls == [1, -1, 2]


def test_another_array_or_other_code_is_another_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(tmp_path)
    steps.run("doubling", double, [(np.array([1.0]), 1), (np.array([1.0, 0.0]), 1), (np.array([1]), 1)])
    assert calls == [1, 1, 1]
    monkeypatch.setattr(module, "_code", lambda _: "changed")
    steps.run("doubling", double, tasks(1))
    assert calls == [1, 1, 1, 1]


def test_a_damaged_result_is_computed_anew(tmp_path: Path) -> None:
    Steps(tmp_path).run("doubling", double, tasks(1))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    Steps(tmp_path).run("doubling", double, tasks(1))
    assert calls == [1, 1]
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


def test_without_a_folder_nothing_is_kept() -> None:
    Steps().run("doubling", double, tasks(1))
    Steps().run("doubling", double, tasks(1))
    assert calls == [1, 1]


def test_progress_counts_what_was_there_already(tmp_path: Path) -> None:
    Steps(tmp_path).run("doubling", double, tasks(1))
    told: list[tuple[str, int, int]] = []
    Steps(tmp_path, on_step=lambda *what: told.append(what)).run("doubling", double, tasks(1, 2, 3))
    assert told == [("doubling", 1, 3), ("doubling", 2, 3), ("doubling", 3, 3)]


def test_several_processes_give_the_same_in_the_same_order(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    several, one = (
        Steps(workers=workers).run("maps", map_step, [(points, seed, 5.0) for seed in range(3)]) for workers in (2, 1)
    )
    for result, expected in zip(several, one, strict=True):
        assert np.array_equal(result["places"], expected["places"])
