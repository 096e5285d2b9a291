"""Settings of the bot."""

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tunekin.errors import SettingsError
from tunekin.settings import Settings

__all__ = ["TelegramSettings"]

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")


class TelegramSettings(Settings):
    """Settings of ``tunekin telegram``; variables begin with ``TUNEKIN_TELEGRAM_``.

    Attributes
    ----------
    token : SecretStr
        What @BotFather gave for the bot.
    api_url : str
        Where the Bot API is.
    max_clip_bytes : int
        Largest sound file.
    max_clips : int
        Most messages that are worked on at a time; Telegram keeps the others meanwhile.
    max_waiting_bytes : int
        Most bytes of sound that wait.
    clips_per_minute : int
        Most questions of one user in a minute; 0 sets no limit.
    answer_s : float
        With ``--kafka``: how long the workers may take for an answer, in seconds.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_TELEGRAM_")

    token: SecretStr = SecretStr("")
    api_url: str = "https://api.telegram.org"
    # The Bot API hands out no larger ones.
    max_clip_bytes: int = Field(default=20 * 1024 * 1024, ge=1)
    # Telegram shows a hundred messages that are not confirmed; some of them are to be new.
    max_clips: int = Field(default=64, ge=1, le=80)
    max_waiting_bytes: int = Field(default=256 * 1024 * 1024, ge=1)
    clips_per_minute: int = Field(default=20, ge=0)
    answer_s: float = Field(default=60.0, gt=0)

    def check(self) -> None:
        """Make sure of what pydantic would repeat in its message, and a token must not be repeated.

        Raises
        ------
        SettingsError
            Token or address can't be right.
        """
        token = self.token.get_secret_value()
        if not token:
            raise SettingsError("TUNEKIN_TELEGRAM_TOKEN is not set", hint="ask @BotFather in Telegram for /newbot")
        if not _TOKEN.fullmatch(token):
            raise SettingsError(
                "TUNEKIN_TELEGRAM_TOKEN has not the form of a token",
                hint="it is a number, a colon and letters, as @BotFather wrote it",
            )
        address = urlsplit(self.api_url)
        if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
            raise SettingsError(
                "TUNEKIN_TELEGRAM_API_URL is no address of a server", hint="such as https://api.telegram.org"
            )
