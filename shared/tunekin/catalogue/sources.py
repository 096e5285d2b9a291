"""How the catalogue names songs that come from a Subsonic server: ``subsonic://SERVER/SONG;size=BYTES``.

``SERVER`` is where its API is, without the scheme of the web: ``nas:4533`` or ``music.example.org/airsonic``. ``SONG``
is the server's own id, by which its clients know the song. The size tells a later import whether the file has changed;
it is no part of the name, so a changed file stays the same song.
"""

from urllib.parse import quote, unquote, urlsplit

from tunekin.errors import OptionError

__all__ = ["SCHEME", "bytes_of", "library", "named", "song", "song_id"]

SCHEME = "subsonic://"
# No id has it: there it would be escaped. Unlike a fragment it does not keep the URI from lying below its server's.
_SIZE = ";size="


def library(url: str) -> str:
    """Name a server's library.

    Parameters
    ----------
    url : str
        Address of the server.

    Returns
    -------
    str
        What the URIs of its songs begin with.

    Raises
    ------
    OptionError
        It is no address of a server, or has a password in it.

    Examples
    --------
    >>> library("https://Music.example.org/airsonic/")
    'subsonic://music.example.org/airsonic/'
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise OptionError(f"{url[:200]!r} is no address of a server", hint="such as https://music.example.org")
    if parts.username is not None or parts.password is not None:
        raise OptionError(
            "the address of the server has a login in it",
            hint="set TUNEKIN_SUBSONIC_USER and TUNEKIN_SUBSONIC_PASSWORD",
        )
    place = f"[{host}]" if ":" in host else host
    path = parts.path.strip("/")
    return f"{SCHEME}{place}{f':{port}' if port else ''}/{f'{path}/' if path else ''}"


def song(of: str, song_id: str, *, size: int = 0) -> str:
    """Name a song.

    Parameters
    ----------
    of : str
        Its library.
    song_id : str
        What the server calls it.
    size : int
        Bytes of its file; 0 where the server does not say.

    Returns
    -------
    str
        Its URI.

    Examples
    --------
    >>> song("subsonic://nas:4533/", "tr-7/b", size=12)
    'subsonic://nas:4533/tr-7%2Fb;size=12'
    """
    return f"{of}{quote(song_id, safe='')}{f'{_SIZE}{size}' if size else ''}"


def named(uri: str) -> str:
    """Leave of a song's URI what names it.

    Parameters
    ----------
    uri : str
        With or without a size.

    Returns
    -------
    str
        Without one.
    """
    return uri.partition(_SIZE)[0]


def song_id(uri: str) -> str:
    """Say what a song's server calls it.

    Parameters
    ----------
    uri : str
        URI of any sound.

    Returns
    -------
    str
        Empty where it comes from no Subsonic server.

    Examples
    --------
    >>> song_id("subsonic://nas:4533/tr-7%2Fb;size=12"), song_id("file:///music/a.flac")
    ('tr-7/b', '')
    """
    return unquote(named(uri).rpartition("/")[2]) if uri.startswith(SCHEME) else ""


def bytes_of(uri: str) -> int:
    """Say how large a song's file was when it was imported.

    Parameters
    ----------
    uri : str
        URI of a song.

    Returns
    -------
    int
        0 where nobody said.
    """
    size = uri.partition(_SIZE)[2]
    return int(size) if size.isascii() and size.isdecimal() else 0
