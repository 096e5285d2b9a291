"""Settings from the environment: frozen, read once, and wrong ones stop the start.

Every setting is a variable named ``TUNEKIN_<PART>_<NAME>``, such as ``TUNEKIN_INGEST_MAX_DURATION_S``. A variable with
the prefix of Tunekin that no part knows is an error as well: it is a typing mistake or belongs to another version.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import TypeVar

import pydantic
from pydantic_settings import BaseSettings, SettingsConfigDict

from tunekin.errors import SettingsError

__all__ = ["Settings", "forbid_unknown", "names_of", "read"]

_PREFIX = "TUNEKIN_"
# What each part's variables begin with. A program passes over those of parts that it does not have, since one shell or
# one file of variables may serve several programs; a mistake among them stops the program that they are for.
_PARTS = (
    "TUNEKIN_BLOBS_",
    "TUNEKIN_CACHE_",
    "TUNEKIN_CATALOGUE_",
    "TUNEKIN_CLASSIFIER_",
    "TUNEKIN_HEALTH_",
    "TUNEKIN_INGEST_",
    "TUNEKIN_KAFKA_",
    "TUNEKIN_LOG_",
    "TUNEKIN_RANKER_",
    "TUNEKIN_SUBSONIC_",
    "TUNEKIN_TELEGRAM_",
    "TUNEKIN_TRACING_",
    "TUNEKIN_WEB_",
)
# Of the programs for one person and one machine, which services pass over.
_EMBEDDED = frozenset({"TUNEKIN_HOME", "TUNEKIN_WORKERS"})
# Read by the tests and by make, not by a program of Tunekin.
_OTHERS = frozenset({"TUNEKIN_NATIVE_CACHE", "TUNEKIN_TEST_AUDIO", "TUNEKIN_TEST_AUDIO_REQUIRED"})

S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """Base of every group of settings; a subclass sets ``env_prefix`` and documents each field."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)


def names_of(group: type[Settings]) -> tuple[str, ...]:
    """Names of a group's environment variables.

    Parameters
    ----------
    group : type
        A group of settings.

    Returns
    -------
    tuple of str
        In the order of the fields.
    """
    prefix = group.model_config.get("env_prefix", "")
    return tuple(f"{prefix}{name}".upper() for name in group.model_fields)


def read(group: type[S]) -> S:
    """Read a group of settings from the environment.

    Parameters
    ----------
    group : type
        Which group.

    Returns
    -------
    Settings
        An instance of the group.

    Raises
    ------
    SettingsError
        A value is impossible; the message names the variable, its value and what would be right.
    """
    try:
        return group()
    except pydantic.ValidationError as error:
        prefix = str(group.model_config.get("env_prefix", ""))
        wrong = [
            f"{prefix}{'_'.join(map(str, problem['loc']))}".upper() + f" is {problem['input']!r}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsError("; ".join(wrong), hint="correct the variable, or unset it for the default") from error


def forbid_unknown(groups: Iterable[type[Settings]], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse variables with the prefix of Tunekin that none of the groups knows, but for those of other parts.

    Parameters
    ----------
    groups : iterable of type
        All groups that the program reads.
    environment : mapping of str to str
        The variables.

    Raises
    ------
    SettingsError
        An unknown variable; the hint names the most similar known one.
    """
    mine = list(groups)
    known = _OTHERS.union(_EMBEDDED, *(names_of(group) for group in mine))
    others = tuple(part for part in _PARTS if not any(name.startswith(part) for name in known))
    named = {name.upper(): name for name in environment if name.upper().startswith(_PREFIX)}
    unknown = sorted(named[name] for name in named if name not in known and not name.startswith(others))
    if unknown:
        similar = difflib.get_close_matches(unknown[0].upper(), known, n=1, cutoff=0.0)
        msg = f"unknown setting {', '.join(unknown)}"
        raise SettingsError(msg, hint=f"did you mean {similar[0]}?" if similar else "unset it")
