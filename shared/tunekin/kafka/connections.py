"""Connections of kafka-python that end in time and say why they failed.

What kafka-python 3.0.12 gets wrong is met here:

- it waits for ever for a peer that says nothing during TLS's handshake;
- it leaves the socket of a handshake that failed to the garbage collector;
- it makes a TLS context for each connection, so it reads the authorities' certificates again and again, and over a file
  that can't be read fails as often;
- it forgets what a broker said last where the end of the connection comes with it, such as why it refused a password;
- it copies the rest of a request for every 16 KiB that TLS takes, 9 ms for a record of 2 MiB;
- why a connection failed goes to its own log, which is silent, and not into the error;
- it does not escape names for SCRAM, see `scram_name`.
"""

import contextlib
import socket
import ssl
import threading
from pathlib import Path

import structlog
from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.net.connection import KafkaConnection
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport
from kafka.protocol.metadata import MetadataResponse

__all__ = ["Connections", "client_of", "scram_name", "tls_context"]


class Connections(KafkaConnectionManager):  # type: ignore[misc] # it ships no types
    """The connections of one client; the beginning and the end of each broker's trouble are logged.

    Before the first connection a client is given up at once where a broker refuses the password, or shows a certificate
    that is not to be believed: trying again mends neither. Later on it is tried again, since brokers change while
    workers run.

    Parameters
    ----------
    net : NetworkSelector
        Runs them.
    **options : object
        Keyword arguments of the client.

    Attributes
    ----------
    failures : dict of str to Exception
        Why each broker that has not been connected to since could not be, by address.
    has_spoken : bool
        Whether any of them has answered as a broker does, if only to refuse the client.
    """

    def __init__(self, net: NetworkSelector, **options: object) -> None:
        super().__init__(net, **options)
        self.failures: dict[str, Exception] = {}
        self.has_spoken = False
        self._has_connected = False
        self._refusal: Exception | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def get_connection(self, node_id: int | str, **options: object) -> KafkaConnection:
        """Find or begin the connection to a broker.

        Parameters
        ----------
        node_id : int or str
            Which broker.
        **options : object
            As kafka-python has them.

        Returns
        -------
        KafkaConnection
            Perhaps not connected yet.
        """
        if self._refusal is not None:
            raise self._refusal
        return super().get_connection(node_id, **options)

    async def _build_transport(
        self, node: MetadataResponse.MetadataResponseBroker, timeout_at: float | None = None
    ) -> KafkaTCPTransport:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        receive, write = transport._sock_recv, transport.write  # noqa: SLF001 -- it has no public way

        def receive_all() -> tuple[bytes, Exception | None]:
            received, error = receive()
            # The end is there the next time, too.
            return received, None if received else error

        transport._sock_recv = receive_all  # noqa: SLF001 -- see above
        # TLS takes 16 KiB at a time, and of a view the rest is no copy.
        transport.write = lambda data: write(memoryview(data))
        return transport

    async def _connect(
        self, node: MetadataResponse.MetadataResponseBroker, conn: KafkaConnection, **options: object
    ) -> None:
        await super()._connect(node, conn, **options)
        address = f"{node.host}:{node.port}"
        self.has_spoken = self.has_spoken or conn.broker_version_data is not None
        if conn.init_future.succeeded():
            self._has_connected = True
            if self.failures.pop(address, None) is not None:
                self._log.info("kafka.connected", broker=address)
        elif conn.init_future.failed() and not self.closed:
            failure = conn.init_future.exception
            if address not in self.failures:
                self._log.warning("kafka.not_connected", broker=address, error=str(failure))
            self.failures[address] = failure
            if not self._has_connected and _is_final(failure):
                self._refusal = failure


def _is_final(failure: Exception) -> bool:
    """Whether the next try would fail alike."""
    # The text of what a handshake failed of is in kafka-python's own error, and the error behind it.
    return isinstance(
        failure, errors.SaslAuthenticationFailedError | errors.UnsupportedSaslMechanismError
    ) or isinstance(failure.__context__, ssl.SSLCertVerificationError)


def client_of(**options: object) -> KafkaNetClient:
    """Make what a producer, consumer or admin client takes as ``kafka_client``.

    Parameters
    ----------
    **options : object
        Keyword arguments of the client.

    Returns
    -------
    KafkaNetClient
        On `Connections`.
    """
    net = NetworkSelector(**options)
    return KafkaNetClient(net, Connections(net, **options))


class _Socket(ssl.SSLSocket):
    """A socket that is closed where its handshake fails, or does not end in time."""

    context: "_Context"
    _alarm: threading.Timer | None = None
    _is_late = False

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 -- the standard library's
        """Go on with the handshake."""
        if self._alarm is None:
            # The client waits for the socket alone, and what wakes it is that nothing more can come.
            self._alarm = threading.Timer(self.context.handshake_timeout_s, self._give_up)
            self._alarm.daemon = True
            self._alarm.start()
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self._alarm.cancel()
            self.close()
            if self._is_late:
                raise TimeoutError(f"no end of TLS's handshake in {self.context.handshake_timeout_s:g} s") from error
            raise
        self._alarm.cancel()

    def _give_up(self) -> None:
        self._is_late = True
        with contextlib.suppress(OSError):
            # TLS's own shutdown would take away what the other thread works with.
            socket.socket.shutdown(self, socket.SHUT_RDWR)


class _Context(ssl.SSLContext):
    """What handshakes go by."""

    sslsocket_class = _Socket
    handshake_timeout_s: float


def tls_context(ca_file: Path | None, *, handshake_timeout_s: float) -> ssl.SSLContext:
    """Make what a client checks brokers by: their certificates, and that they are for the names that it connects to.

    Parameters
    ----------
    ca_file : Path or None
        Certificates of authorities in PEM; those of the system unless it is given.
    handshake_timeout_s : float
        How long a broker may take to show who it is.

    Returns
    -------
    ssl.SSLContext
        For TLS 1.2 and later.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.handshake_timeout_s = handshake_timeout_s
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(ca_file)
    return context


def scram_name(user: str) -> str:
    """Write a name as SCRAM wants it (RFC 5802, section 5.1), where commas and equals signs have meanings.

    Parameters
    ----------
    user : str
        A name.

    Returns
    -------
    str
        With both escaped.

    Examples
    --------
    >>> scram_name("CN=tunekin,O=home")
    'CN=3Dtunekin=2CO=3Dhome'
    """
    return user.replace("=", "=3D").replace(",", "=2C")
