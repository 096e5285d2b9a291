"""A folder of model versions, and the one that is in use; workers follow it while they run.

===================  ===================================================================
file                 means
===================  ===================================================================
``VERSION/``         a model folder, called as the model is; never changes
``current``          version that clips and tracks are judged by
``upcoming``         version that tracks are judged by already, while the catalogue is
                     brought to it; clips still get ``current``
===================  ===================================================================

A folder that names no version yet stands for the shipped model.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import structlog

from tunekin.errors import ModelError, SettingsError
from tunekin.features import FEATURES, FeatureVersion
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.manifest import Manifest
from tunekin_classifier.settings import DEFAULT_MODEL

__all__ = ["FollowedModel", "ModelStore", "Pointer"]

Pointer = Literal["current", "upcoming"]
_FILES = ("model.onnx", "manifest.json", "README.md")
# How soon a new version is noticed; looking costs a few microseconds.
_LOOK_S = 1.0


class ModelStore:
    """A folder of model versions.

    Parameters
    ----------
    folder : pathlib.Path
        The folder; made when something is installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def is_model(self) -> bool:
        """Whether the folder is a model itself, and so holds no versions."""
        return (self._folder / "manifest.json").exists()

    def named(self, pointer: Pointer) -> str | None:
        """Read which version is named.

        Parameters
        ----------
        pointer : {'current', 'upcoming'}
            Which one.

        Returns
        -------
        str or None
            None where none is.
        """
        try:
            return (self._folder / pointer).read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def path(self, version: str | None) -> Path:
        """Say where a version is.

        Parameters
        ----------
        version : str or None
            Its name; None for the shipped model.

        Returns
        -------
        pathlib.Path
            A model folder, or where one would be.

        Raises
        ------
        ModelError
            This can't be the name of a version.
        """
        if version is None:
            return DEFAULT_MODEL
        if Path(version).name != version or version.startswith("."):
            raise ModelError(f"{version!r} is no name of a model", hint=f"look at what {self._folder} names")
        return self._folder / version

    def install(self, source: Path) -> Manifest:
        """Copy a model into the folder, unless it is there.

        Parameters
        ----------
        source : pathlib.Path
            A model folder.

        Returns
        -------
        Manifest
            What the model says of itself.

        Raises
        ------
        ModelError
            It can't serve.
        SettingsError
            The folder is a model itself, or can't be written.
        """
        manifest = OnnxMoodModel(source).manifest
        if self.is_model:
            raise SettingsError(
                f"{self._folder} is a model, not a folder of models",
                hint="set TUNEKIN_CLASSIFIER_MODEL to a folder that versions can be added to",
            )
        target = self.path(manifest.version)
        try:
            if not target.exists():
                self._copy(source, target)
        except OSError as error:
            raise SettingsError(
                f"{self._folder} can't be written: {error.strerror}", hint="workers read it, this command writes it"
            ) from error
        return manifest

    def announce(self, version: str) -> None:
        """Have tracks judged by a version, before clips are.

        Parameters
        ----------
        version : str
            An installed version.
        """
        self._write("upcoming", version)

    def use(self, version: str) -> None:
        """Have everything judged by a version.

        Parameters
        ----------
        version : str
            An installed version.
        """
        self._write("current", version)
        (self._folder / "upcoming").unlink(missing_ok=True)

    def _copy(self, source: Path, target: Path) -> None:
        """Put a copy where it belongs, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=self._folder) as scratch:
            copy = Path(scratch) / "model"
            copy.mkdir()
            for name in _FILES:
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(source / name, copy / name)
            copy.rename(target)

    def _write(self, pointer: Pointer, version: str) -> None:
        """Name a version, so that no reader sees half a name."""
        handle, name = tempfile.mkstemp(prefix=".", dir=self._folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(version + "\n")
        # Workers may run as other users.
        Path(name).chmod(0o644)
        Path(name).replace(self._folder / pointer)


class FollowedModel:
    """The model that a folder names, whenever it is asked for.

    Parameters
    ----------
    folder : pathlib.Path
        A model folder, which stays as it is, or a folder of versions, see `ModelStore`.
    pointers : tuple of {'current', 'upcoming'}
        What to follow; the first that names a version.
    version : FeatureVersion
        Whose summaries the model will be given.
    clock : callable
        Seconds that only grow.

    Raises
    ------
    ModelError
        The model can't serve.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pointers: tuple[Pointer, ...] = ("current",),
        version: FeatureVersion = FEATURES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = ModelStore(folder)
        self._pointers = pointers
        self._version = version
        self._clock = clock
        self._fixed = self._store.is_model
        self._named = None if self._fixed else self._look()
        self._refused: str | None = None
        self._model = OnnxMoodModel(folder if self._fixed else self._store.path(self._named), version=version)
        self._looked_s = clock()

    def latest(self) -> OnnxMoodModel:
        """Return the model; looks for a new version once a second.

        Returns
        -------
        OnnxMoodModel
            The version named. Where that can't serve, the one before, and the log says why.
        """
        if self._fixed or self._clock() - self._looked_s < _LOOK_S:
            return self._model
        self._looked_s = self._clock()
        named = self._look()
        if named not in {self._named, self._refused}:
            self._switch(named)
        return self._model

    def _look(self) -> str | None:
        return next(filter(None, map(self._store.named, self._pointers)), None)

    def _switch(self, named: str | None) -> None:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        before = self._model.manifest.version
        try:
            self._model = OnnxMoodModel(self._store.path(named), version=self._version)
        except ModelError as error:
            self._refused = named
            log.error("model.refused", named=named, error=error.message, hint=error.hint, stays=before)  # noqa: TRY400
            return
        self._named, self._refused = named, None
        log.info("model.switched", before=before, now=self._model.manifest.version)
