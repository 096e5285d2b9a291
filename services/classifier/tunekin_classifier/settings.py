"""Settings of the classifier."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tunekin.settings import Settings

__all__ = ["DEFAULT_MODEL", "ClassifierSettings"]

# The model that the repository ships; its card is the README.md beside it.
DEFAULT_MODEL = Path(__file__).parent / "models" / "default"


class ClassifierSettings(Settings):
    """Settings of the classifier.

    Attributes
    ----------
    model : pathlib.Path
        Folder of the mood model, or of versions of it; the shipped one unless it is set.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_CLASSIFIER_")

    model: Path = Field(default=DEFAULT_MODEL)
