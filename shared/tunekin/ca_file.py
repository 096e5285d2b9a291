"""Files of certificates that servers' are checked against."""

import ssl

from tunekin.errors import SettingsError

__all__ = ["check_ca_file"]


def check_ca_file(path: str, *, named: str) -> None:
    """See that a file of authorities' certificates can be used, before the first connection needs it.

    Parameters
    ----------
    path : str
        Where it should be.
    named : str
        The setting that says so.

    Raises
    ------
    SettingsError
        It can't be read, or holds no certificate in PEM.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise SettingsError(
            f"{named} is {path!r}, which can't be used: {error.strerror or error}",
            hint="name a file with the certificate of the authority in PEM, which this process may read",
        ) from error
