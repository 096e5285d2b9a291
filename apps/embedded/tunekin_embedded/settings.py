"""All settings of a program that embeds Tunekin, read at once."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tunekin.logging import LogFormat, LogLevel
from tunekin.settings import Settings, forbid_unknown, read
from tunekin_classifier.settings import ClassifierSettings
from tunekin_ingest.settings import IngestSettings
from tunekin_ranker.settings import RankerSettings

__all__ = ["GROUPS", "EmbeddedSettings", "ProgramSettings"]


class ProgramSettings(Settings):
    """Settings of the program itself.

    Attributes
    ----------
    home : pathlib.Path
        Folder for all state; the platform's data directory unless it is set.
    workers : int or None
        Processes that compute features in a bulk load; one a processor unless it is set.
    log_level : {'debug', 'info', 'warning', 'error'}
        Least level that is logged. Failures reach people as answers and reports; logs are for finding defects.
    log_format : {'console', 'json'}
        Words for people or JSON for machines.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_")

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("tunekin")))
    workers: int | None = Field(default=None, ge=1, le=256)
    log_level: LogLevel = "error"
    log_format: LogFormat = "console"

    def worker_count(self) -> int:
        """How many processes compute features.

        Returns
        -------
        int
            The setting, else the processors that this program may use.
        """
        return self.workers or len(os.sched_getaffinity(0))


GROUPS: tuple[type[Settings], ...] = (ProgramSettings, IngestSettings, ClassifierSettings, RankerSettings)


@dataclass(frozen=True, kw_only=True)
class EmbeddedSettings:
    """Every group of settings.

    Attributes
    ----------
    program : ProgramSettings
        Folder, processes, logs.
    ingest : IngestSettings
        Limits of what is decoded.
    classifier : ClassifierSettings
        Which mood model.
    ranker : RankerSettings
        How matches are found.
    """

    program: ProgramSettings
    ingest: IngestSettings
    classifier: ClassifierSettings
    ranker: RankerSettings

    @classmethod
    def read(cls) -> Self:
        """Read all groups from the environment.

        Returns
        -------
        EmbeddedSettings
            Valid settings.

        Raises
        ------
        SettingsError
            A variable is unknown, or its value impossible.
        """
        forbid_unknown(GROUPS)
        return cls(
            program=read(ProgramSettings),
            ingest=read(IngestSettings),
            classifier=read(ClassifierSettings),
            ranker=read(RankerSettings),
        )
