"""What every command is given."""

from dataclasses import dataclass

from tunekin_embedded.home import Home
from tunekin_embedded.settings import EmbeddedSettings

__all__ = ["Context"]


@dataclass(frozen=True, kw_only=True)
class Context:
    """Folder and settings of a run.

    Attributes
    ----------
    home : Home
        The prepared folder.
    settings : EmbeddedSettings
        All settings.
    """

    home: Home
    settings: EmbeddedSettings
