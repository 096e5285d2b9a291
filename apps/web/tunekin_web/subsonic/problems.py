"""The failures of the Subsonic protocol, by its own numbers."""

from enum import IntEnum

__all__ = ["Code", "SubsonicError"]


class Code(IntEnum):
    """Numbers that clients know."""

    OTHER = 0
    MISSING_PARAMETER = 10
    CLIENT_TOO_OLD = 20
    CLIENT_TOO_NEW = 30
    WRONG_LOGIN = 40
    NO_TOKENS = 41
    NO_SUCH_LOGIN = 42
    CONFLICTING_LOGINS = 43
    WRONG_API_KEY = 44
    FORBIDDEN = 50
    NOT_FOUND = 70


class SubsonicError(Exception):
    """A request that ends as a failure of the protocol.

    Parameters
    ----------
    code : Code
        Its number.
    message : str
        What was wrong, and what would be right.
    status : int
        HTTP status: 200 wherever the protocol has a number of its own for it.
    retry_after_s : int
        When to ask again, in seconds; 0 where that would not help.
    """

    def __init__(self, code: Code, message: str, *, status: int = 200, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
