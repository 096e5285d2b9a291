"""Settings that the processes of several services share."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tunekin.logging import LogFormat, LogLevel
from tunekin.settings import Settings

__all__ = ["BlobSettings", "CatalogueSettings", "HealthSettings", "LogSettings"]

_GIBIBYTE = 1024**3


class LogSettings(Settings):
    """What a process logs, to standard error; variables begin with ``TUNEKIN_LOG_``.

    Attributes
    ----------
    level : {'debug', 'info', 'warning', 'error'}
        Least level that is logged.
    format : {'json', 'console'}
        JSON for machines or words for people.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_LOG_")

    level: LogLevel = "info"
    format: LogFormat = "json"


class HealthSettings(Settings):
    """Where a process tells its health and metrics; variables begin with ``TUNEKIN_HEALTH_``.

    Attributes
    ----------
    host : str
        Address to listen on.
    port : int
        Port to listen on; 0 takes a free one, which the log names.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_HEALTH_")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)


class BlobSettings(Settings):
    """Where values too large for a record lie; variables begin with ``TUNEKIN_BLOBS_``.

    Attributes
    ----------
    root : str
        URI of a folder or bucket that every worker can read and write.
    readable : tuple of str
        URI prefixes from which published records may refer to sound, as a JSON list.
    limit_bytes : int
        Decoded songs that may wait in `root`; with more there, the decoder waits until they are worked off.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_BLOBS_")

    root: str = Field(default="file:///var/lib/tunekin/blobs", pattern=r"^[a-z][a-z0-9+.-]*://")
    readable: tuple[str, ...] = ()
    # Some four hundred songs: more than the workers of one machine do in a minute, and no threat to its disk.
    limit_bytes: int = Field(default=4 * _GIBIBYTE, gt=0)


class CatalogueSettings(Settings):
    """Where the catalogue is; variables begin with ``TUNEKIN_CATALOGUE_``.

    Attributes
    ----------
    url : SecretStr
        ``mysql://USER:PASSWORD@HOST/DATABASE`` for MySQL and MariaDB, with TLS by ``?ssl_ca=FILE``, or
        ``sqlite:///FILE``.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_CATALOGUE_")

    url: SecretStr = SecretStr("mysql://tunekin@127.0.0.1/tunekin")
