"""Steps of a run, on several processors, whose results are kept: a run that was interrupted goes on where it was.

A step is a function of this package, what it is given, and the arrays that come out. Its file is named by a hash of all
of that and of the versions of the code: what has changed is another step, and what has not is never computed twice. So
the same command again, or with other words for the moods, takes seconds.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import inspect
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunekin.process_pool import process_pool

__all__ = ["Arrays", "Steps"]

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
# Those that compute what is kept.
_LIBRARIES = ("numpy", "scikit-learn", "torch", "xgboost-cpu")


class Steps:
    """Runs steps and keeps what comes of them.

    Parameters
    ----------
    folder : pathlib.Path or None
        Where results are kept; made where it is missing. Without one nothing is kept.
    workers : int
        Processes; with one everything runs in this process.
    on_step : callable
        Called with a title, how many of its steps are done, and how many there are.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        workers: int = 1,
        on_step: Callable[[str, int, int], None] = lambda *_: None,
    ) -> None:
        self._folder = folder
        self._workers = workers
        self._on_step = on_step

    def run(self, title: str, function: Callable[..., Arrays], tasks: Sequence[tuple[Any, ...]]) -> list[Arrays]:
        """Run one step for each of some tasks.

        Parameters
        ----------
        title : str
            What people are told.
        function : callable
            A function of a module, so that other processes find it; gives the same for the same arguments.
        tasks : sequence of tuple
            Arguments of each step: arrays, numbers, texts, and tuples, mappings and dataclasses of these.

        Returns
        -------
        list of mapping of str to np.ndarray
            What came of each, in their order.
        """
        paths = [self._path(function, task) for task in tasks]
        results = [_read(path) for path in paths]
        missing = [i for i, result in enumerate(results) if result is None]
        done = len(tasks) - len(missing)
        self._on_step(title, done, len(tasks))

        def take(i: int, result: Arrays) -> None:
            nonlocal done
            _write(paths[i], result)
            results[i] = result
            done += 1
            self._on_step(title, done, len(tasks))

        if self._workers == 1 or len(missing) <= 1:
            for i in missing:
                take(i, function(*tasks[i]))
        else:
            self._spread(missing, function, tasks, take)
        return [result for result in results if result is not None]

    def _spread(
        self,
        missing: Sequence[int],
        function: Callable[..., Arrays],
        tasks: Sequence[tuple[Any, ...]],
        take: Callable[[int, Arrays], None],
    ) -> None:
        """Run steps in processes of their own."""
        with process_pool(min(self._workers, len(missing))) as pool:
            running: dict[Future[Arrays], int] = {pool.submit(partial(function, *tasks[i])): i for i in missing}
            try:
                for future in as_completed(running):
                    take(running[future], future.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _path(self, function: Callable[..., Arrays], task: tuple[Any, ...]) -> Path | None:
        if self._folder is None:
            return None
        hashed = hashlib.sha256()
        _feed(hashed, (_library_versions(), function.__qualname__, _code(function.__module__), task))
        return self._folder / f"{function.__name__}-{hashed.hexdigest()[:32]}.npz"


@functools.cache
def _code(module: str) -> str:
    """Hash the source of one of Tunekin's modules, and of those of its own that it takes names from."""
    hashed, seen, waiting = hashlib.sha256(), set(), [module]
    while waiting:
        name = waiting.pop()
        if name in seen or not name.startswith("tunekin"):
            continue
        seen.add(name)
        hashed.update(inspect.getsource(sys.modules[name]).encode())
        values = list(vars(sys.modules[name]).values())
        waiting += sorted({value.__name__ if inspect.ismodule(value) else _home(value) for value in values})
    return hashed.hexdigest()


def _home(value: object) -> str:
    """Name the module that a function or class is from; nothing for all else."""
    return value.__module__ if inspect.isfunction(value) or inspect.isclass(value) else ""


def _library_versions() -> dict[str, str]:
    """Say which versions are installed, of those that are."""
    held = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            held[name] = importlib.metadata.version(name)
    return held


def _feed(hashed: "hashlib._Hash", value: object) -> None:
    """Take a value into a hash, so that values that differ are told apart."""
    hashed.update(f"{type(value).__name__}:".encode())
    if isinstance(value, np.ndarray):
        hashed.update(f"{value.dtype}{value.shape}".encode())
        hashed.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value):
        for field in fields(value):
            _feed(hashed, (field.name, getattr(value, field.name)))
    elif isinstance(value, Mapping):
        for item in value.items():
            _feed(hashed, item)
    elif isinstance(value, tuple | list):
        hashed.update(f"{len(value)}".encode())
        for part in value:
            _feed(hashed, part)
    else:
        hashed.update(repr(value).encode())


def _read(path: Path | None) -> Arrays | None:
    """Read a result, if it was kept; one that is damaged was not."""
    if path is None:
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path | None, result: Arrays) -> None:
    """Keep a result, whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **result)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
