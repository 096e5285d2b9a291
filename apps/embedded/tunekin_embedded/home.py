"""The folder that holds all state of an embedded Tunekin."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tunekin.errors import SettingsError

__all__ = ["Home"]

_BLOBS = "blobs-"
# Longer than any load takes between two touches of its folder.
_STALE_S = 86_400.0


@dataclass(frozen=True)
class Home:
    """Where things are in the folder.

    Attributes
    ----------
    folder : pathlib.Path
        The folder.
    """

    folder: Path

    @property
    def catalogue_url(self) -> str:
        """SQLAlchemy URL of the catalogue."""
        return "sqlite:///" + quote(str(self.folder / "catalogue.sqlite"))

    @property
    def models(self) -> Path:
        """Folder of versions of the mood model."""
        return self.folder / "models"

    @contextlib.contextmanager
    def blobs(self) -> Iterator[str]:
        """Make a place for values too large for a record, and remove it with all that is left there.

        Nothing outlives the bus in memory, so neither do its blobs. What a killed program left behind is removed a day
        later.

        Yields
        ------
        str
            URI of a folder for this program alone.
        """
        now_s = time.time()
        for folder in self.folder.glob(f"{_BLOBS}*"):
            with contextlib.suppress(FileNotFoundError):
                if now_s - folder.stat().st_mtime > _STALE_S:
                    shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_BLOBS, dir=self.folder) as folder_name:
            yield Path(folder_name).as_uri()

    def prepare(self) -> "Home":
        """Make the folder.

        Returns
        -------
        Home
            With an absolute path.

        Raises
        ------
        SettingsError
            It can't be made or written.
        """
        folder = self.folder.expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            msg = f"the folder for Tunekin's state, {folder}, can't be written: {error.strerror}"
            raise SettingsError(msg, hint="choose another with --home or TUNEKIN_HOME") from error
        return Home(folder)
