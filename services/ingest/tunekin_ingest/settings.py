"""Settings of ingest."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tunekin.settings import Settings
from tunekin_ingest.audio import DecodeLimits

__all__ = ["IngestSettings"]

_DEFAULT = DecodeLimits()


class IngestSettings(Settings):
    """Settings of ingest; `tunekin_ingest.audio.DecodeLimits` gives the reasons for the defaults.

    Attributes
    ----------
    max_bytes : int
        Largest sound file.
    max_duration_s : float
        Longest sound, in seconds.
    min_duration_s : float
        Shortest sound, in seconds.
    decode_memory_bytes : int
        Memory that decoding one file may take.
    decode_cpu_s : int
        Processor time that decoding one file may take, in seconds.
    decode_wall_s : float
        Time that decoding one file may take, in seconds.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_INGEST_")

    max_bytes: int = Field(default=_DEFAULT.max_bytes, gt=0)
    max_duration_s: float = Field(default=_DEFAULT.max_duration_s, gt=0)
    min_duration_s: float = Field(default=_DEFAULT.min_duration_s, gt=0)
    decode_memory_bytes: int = Field(default=_DEFAULT.memory_bytes, gt=0)
    decode_cpu_s: int = Field(default=_DEFAULT.cpu_s, gt=0)
    decode_wall_s: float = Field(default=_DEFAULT.wall_s, gt=0)

    def limits(self) -> DecodeLimits:
        """Say the same as the decoder takes it.

        Returns
        -------
        DecodeLimits
            Limits of one decode.

        Raises
        ------
        SettingsError
            The shortest sound is longer than the longest.
        """
        return DecodeLimits(
            max_bytes=self.max_bytes,
            max_duration_s=self.max_duration_s,
            min_duration_s=self.min_duration_s,
            memory_bytes=self.decode_memory_bytes,
            cpu_s=self.decode_cpu_s,
            wall_s=self.decode_wall_s,
        )
