"""Who may ask: the three logins of the protocol, and what of them conflicts.

A token is the MD5 of password and salt, as the protocol has it; whoever overhears one can use it for ever. An API key
can be changed alone. Secrets are compared in a time that does not depend on them.
"""

import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from tunekin.errors import SettingsError
from tunekin_web.settings import WebSettings
from tunekin_web.subsonic.problems import Code, SubsonicError

__all__ = ["Logins"]

_WRONG = "wrong username or password"
# Who asks with the API key where no user is named.
_NOBODY_ELSE = "tunekin"
_VERSION = (1, 16, 1)


@dataclass(frozen=True, kw_only=True)
class Logins:
    """What a client may show.

    Attributes
    ----------
    user, password : str
        Empty where there is no user.
    api_key : str
        Empty where there is no key.
    """

    user: str
    password: str
    api_key: str

    @classmethod
    def of(cls, settings: WebSettings) -> "Logins | None":
        """Take them from the settings.

        Parameters
        ----------
        settings : WebSettings
            User, password and key.

        Returns
        -------
        Logins or None
            None where nobody may ask.

        Raises
        ------
        SettingsError
            A user without a password, or the other way round.
        """
        logins = cls(
            user=settings.subsonic_user,
            password=settings.subsonic_password.get_secret_value(),
            api_key=settings.subsonic_api_key.get_secret_value(),
        )
        if bool(logins.user) != bool(logins.password):
            missing = "PASSWORD" if logins.user else "USER"
            raise SettingsError(
                f"TUNEKIN_WEB_SUBSONIC_{missing} is not set",
                hint="a user and a password go together; for a key alone set TUNEKIN_WEB_SUBSONIC_API_KEY",
            )
        return logins if logins.user or logins.api_key else None

    def check(self, sent: Mapping[str, str]) -> str:
        """See that a request may be answered.

        Parameters
        ----------
        sent : mapping of str to str
            Its parameters.

        Returns
        -------
        str
            Name of the user.

        Raises
        ------
        SubsonicError
            It may not, or its client is of another protocol.
        """
        if "apiKey" in sent:
            self._check_key(sent)
        else:
            self._check_user(sent)
        _check_client(sent)
        return self.user or _NOBODY_ELSE

    def _check_key(self, sent: Mapping[str, str]) -> None:
        if others := {"u", "p", "t", "s"} & sent.keys():
            raise SubsonicError(Code.CONFLICTING_LOGINS, f"apiKey was sent together with {', '.join(sorted(others))}")
        if not self.api_key:
            raise SubsonicError(Code.NO_SUCH_LOGIN, "no API key is set here; send u with t and s")
        if not _same(sent["apiKey"], self.api_key):
            raise SubsonicError(Code.WRONG_API_KEY, "wrong API key")

    def _check_user(self, sent: Mapping[str, str]) -> None:
        if "p" in sent and sent.keys() & {"t", "s"}:
            raise SubsonicError(Code.CONFLICTING_LOGINS, "p was sent together with t or s")
        for name in ("u", "p") if "p" in sent else ("u", "t", "s"):
            if name not in sent:
                raise SubsonicError(
                    Code.MISSING_PARAMETER, f"the parameter {name} is missing; send apiKey, or u with t and s"
                )
        if not self.user:
            code = Code.NO_SUCH_LOGIN if "p" in sent else Code.NO_TOKENS
            raise SubsonicError(code, "no password is set here; send apiKey")
        known = _same(sent["u"], self.user)
        if "p" in sent:
            proven = _same(_plain(sent["p"]), self.password)
        else:
            salted = (self.password + sent["s"]).encode()
            # What the protocol asks for; it secures nothing else.
            token = hashlib.md5(salted, usedforsecurity=False).hexdigest()
            proven = _same(sent["t"].lower(), token)
        if not (known and proven):
            raise SubsonicError(Code.WRONG_LOGIN, _WRONG)


def _check_client(sent: Mapping[str, str]) -> None:
    for name in ("v", "c"):
        if not sent.get(name):
            raise SubsonicError(Code.MISSING_PARAMETER, f"the parameter {name} is missing")
    major = sent["v"].partition(".")[0]
    if not (major.isascii() and major.isdecimal()):
        raise SubsonicError(Code.MISSING_PARAMETER, f"v is {sent['v'][:40]!r}; it is a version, such as 1.16.1")
    if int(major[:9]) > _VERSION[0]:
        raise SubsonicError(Code.CLIENT_TOO_NEW, "the client speaks a later protocol than 1.16.1")
    if int(major[:9]) < _VERSION[0]:
        raise SubsonicError(Code.CLIENT_TOO_OLD, "the client speaks an earlier protocol than 1")


def _plain(password: str) -> str:
    """Read a password, which clients may send in hexadecimal."""
    if not password.startswith("enc:"):
        return password
    try:
        return binascii.unhexlify(password.removeprefix("enc:")).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SubsonicError(Code.WRONG_LOGIN, _WRONG) from None


def _same(sent: str, secret: str) -> bool:
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), secret.encode())
