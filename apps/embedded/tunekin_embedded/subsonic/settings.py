"""Settings of whoever fetches music from a Subsonic server."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tunekin.errors import SettingsError
from tunekin.settings import Settings

__all__ = ["SubsonicSettings"]


class SubsonicSettings(Settings):
    """How Tunekin shows itself to a Subsonic server; variables begin with ``TUNEKIN_SUBSONIC_``.

    Attributes
    ----------
    user, password : str, SecretStr
        Its login at the server.
    api_key : SecretStr
        Its key, at servers that give keys; in place of a login.
    login : {'token', 'password'}
        Whether a salted hash of the password is sent, or the password itself, which some servers need.
    timeout_s : float
        How long the server may be silent, in seconds.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_SUBSONIC_")

    user: str = ""
    password: SecretStr = SecretStr("")
    api_key: SecretStr = SecretStr("")
    login: Literal["token", "password"] = "token"
    timeout_s: float = Field(default=30.0, gt=0)

    @property
    def is_set(self) -> bool:
        """Whether any of a login is there."""
        return bool(self.user or self.password.get_secret_value() or self.api_key.get_secret_value())

    def check(self) -> None:
        """See that there is a login.

        Raises
        ------
        SettingsError
            There is none, or half of one.
        """
        if self.api_key.get_secret_value():
            return
        for name, value in (("USER", self.user), ("PASSWORD", self.password.get_secret_value())):
            if not value:
                raise SettingsError(
                    f"TUNEKIN_SUBSONIC_{name} is not set",
                    hint="set TUNEKIN_SUBSONIC_USER and TUNEKIN_SUBSONIC_PASSWORD, or TUNEKIN_SUBSONIC_API_KEY",
                )
