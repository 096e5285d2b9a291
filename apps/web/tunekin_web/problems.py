"""What the gateway itself has to refuse, each with its HTTP status; the rest are Tunekin's own errors."""

from typing import ClassVar

from tunekin.errors import AudioTooLargeError, DependencyError, InputError, NotFoundError, TunekinError

__all__ = [
    "ForbiddenError",
    "MissingError",
    "RefusedError",
    "TooBusyError",
    "TooManyError",
    "TooSlowError",
    "UnauthorizedError",
    "status_of",
]


class RefusedError(Exception):
    """A request that the gateway refuses.

    Parameters
    ----------
    message : str
        What was wrong.
    hint : str
        What would be right.
    retry_after_s : int
        When to ask again, in seconds; 0 where that would not help.

    Attributes
    ----------
    code : str
        Stable name of the error; part of the public contract.
    status : int
        HTTP status.
    """

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, message: str, *, hint: str, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after_s = retry_after_s


class TooBusyError(RefusedError):
    """As many clips wait as may."""

    code = "gateway.busy"
    status = 429


class TooManyError(RefusedError):
    """One address asks too often."""

    code = "gateway.rate"
    status = 429


class TooSlowError(RefusedError):
    """A clip does not come in time, and would keep others from its place."""

    code = "gateway.slow"
    status = 408


class MissingError(RefusedError):
    """There is no such page, ticket or sound."""

    code = "gateway.not_found"
    status = 404


class UnauthorizedError(RefusedError):
    """The token is missing or wrong."""

    code = "gateway.unauthorized"
    status = 401


class ForbiddenError(RefusedError):
    """Nobody may do this here."""

    code = "gateway.forbidden"
    status = 403


def status_of(error: TunekinError) -> int:
    """HTTP status of an error of Tunekin's own.

    Parameters
    ----------
    error : TunekinError
        What was raised.

    Returns
    -------
    int
        400 and up.
    """
    match error:
        case NotFoundError():
            return 404
        case AudioTooLargeError():
            return 413
        case InputError():
            return 400
        case DependencyError():
            return 503
        case _:
            return 500
