"""Where the token is: here, and nowhere above.

The Bot API has the token in the path of each request, so whoever sees an address sees the token: the logs of the
libraries, their errors, what they print of a bot or a file. So the libraries are given a name in its place, and the
path gets the token below them, as the last thing before the connection.
"""

from urllib.request import getproxies, proxy_bypass

import httpx

__all__ = ["STAND_IN", "HiddenToken", "transport"]

# What the libraries take for the token.
STAND_IN = "hidden"
_PLACE = f"/bot{STAND_IN}/".encode()


class HiddenToken(httpx.AsyncBaseTransport):
    """Puts the token into the path of requests.

    Parameters
    ----------
    token : str
        The token.
    below : httpx.AsyncBaseTransport
        What sends them.
    """

    def __init__(self, token: str, below: httpx.AsyncBaseTransport) -> None:
        self._path = f"/bot{token}/".encode()
        self._below = below

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Parameters
        ----------
        request : httpx.Request
            With the stand-in.

        Returns
        -------
        httpx.Response
            What came back.

        Raises
        ------
        httpx.TransportError
            Without what it was raised from, where the token would be.
        """
        try:
            return await self._below.handle_async_request(self._filled(request))
        except httpx.TransportError as error:
            # A new one: the other remembers the frames, and they the address, that it came through.
            raised = type(error)(str(error), request=request)
        raise raised

    async def aclose(self) -> None:
        """Close the connections."""
        await self._below.aclose()

    def _filled(self, request: httpx.Request) -> httpx.Request:
        target = request.url.raw_path.replace(_PLACE, self._path, 1)
        return httpx.Request(
            request.method,
            request.url.copy_with(raw_path=target),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )


def transport(token: str, *, url: str, connections: int) -> HiddenToken:
    """Make what carries the bot's requests, through the proxy that the environment names, if any.

    Parameters
    ----------
    token : str
        The token.
    url : str
        Where the Bot API is.
    connections : int
        Most of them at a time.

    Returns
    -------
    HiddenToken
        Not connected yet.
    """
    address = httpx.URL(url)
    proxies = {} if proxy_bypass(address.host) else getproxies()
    return HiddenToken(
        token,
        httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=connections),
            proxy=proxies.get(address.scheme) or proxies.get("all"),
        ),
    )
