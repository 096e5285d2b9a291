"""The folder that holds all state of an embedded Tunekin."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tunekin.errors import SettingsError

__all__ = ["Home"]


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
    def blobs_uri(self) -> str:
        """URI of the folder for values too large for a record."""
        return (self.folder / "blobs").as_uri()

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
