"""Settings of the gateway."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tunekin.settings import Settings

__all__ = ["WebSettings"]


class WebSettings(Settings):
    """Settings of ``tunekin serve``; variables begin with ``TUNEKIN_WEB_``.

    Attributes
    ----------
    host : str
        Address to listen at; this machine alone unless it is set.
    port : int
        Port to listen at; 0 takes a free one.
    token : SecretStr
        Who sends it may change the catalogue and see the operators' page; unset means nobody may.
    max_clip_bytes : int
        Largest clip.
    max_clips : int
        Most clips that wait for their answers.
    max_waiting_bytes : int
        Most bytes of clips that wait.
    clips_per_minute : int
        Most clips of one address in a minute, and most likes and dislikes; 0 sets no limit.
    upload_s : float
        How long a clip may take to come, in seconds.
    keep_s : float
        How long an answer may be fetched, in seconds.
    answer_s : float
        With ``--kafka``: how long the workers may take for an answer, in seconds.
    playback : bool
        Whether the catalogue's sound files are played to visitors.
    subsonic_user, subsonic_password : str, SecretStr
        Login of Subsonic clients; without it, and without a key, they get no answer.
    subsonic_api_key : SecretStr
        Key that OpenSubsonic clients may show in place of a login.
    subsonic_library : str
        Address of the Subsonic server whose ids clients ask by; unset means whichever server a song is from.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_WEB_")

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)
    token: SecretStr = SecretStr("")
    # A minute of stereo WAV has 10 MB.
    max_clip_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    max_clips: int = Field(default=200, ge=1)
    max_waiting_bytes: int = Field(default=256 * 1024 * 1024, ge=1)
    clips_per_minute: int = Field(default=60, ge=0)
    upload_s: float = Field(default=60.0, gt=0)
    keep_s: float = Field(default=600.0, gt=0)
    answer_s: float = Field(default=60.0, gt=0)
    playback: bool = True
    subsonic_user: str = ""
    subsonic_password: SecretStr = SecretStr("")
    subsonic_api_key: SecretStr = SecretStr("")
    subsonic_library: str = ""
