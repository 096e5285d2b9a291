"""What every command is given."""

import functools
from dataclasses import dataclass
from pathlib import Path

from tunekin_embedded.home import Home
from tunekin_embedded.settings import EmbeddedSettings

__all__ = ["Context"]


@dataclass(frozen=True, kw_only=True)
class Context:
    """Folder and settings of a run.

    Attributes
    ----------
    folder : pathlib.Path
        For all state.
    settings : EmbeddedSettings
        All settings.
    """

    folder: Path
    settings: EmbeddedSettings

    @functools.cached_property
    def home(self) -> Home:
        """The folder, made when a command first asks for it: commands for servers need none.

        Returns
        -------
        Home
            Ready for use.

        Raises
        ------
        SettingsError
            It can't be made or written.
        """
        return Home(self.folder).prepare()
