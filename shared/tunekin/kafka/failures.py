"""Kafka's errors in Tunekin's words."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import kafka
from kafka import errors
from kafka.net.compat import KafkaNetClient

from tunekin.errors import DependencyError, SettingsError, TunekinError
from tunekin.kafka.connections import client_of
from tunekin.kafka.settings import KafkaSettings

__all__ = ["administering", "connecting", "speaking"]

# A client that was called wrongly: a defect, which stays what it is.
_DEFECTS = (errors.IllegalArgumentError, errors.IllegalStateError, errors.KafkaConfigurationError)
_REFUSALS = (
    errors.AuthorizationError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)
# OpenSSL's codes of what a setting mends: authorities that are not known, and names that the certificate does not have.
_STRANGERS, _OTHER_NAMES = frozenset({18, 19, 20, 21}), frozenset({62, 64})
# For one TCP handshake.
_PROBE_S = 1.0


@contextlib.contextmanager
def connecting(settings: KafkaSettings) -> Iterator[dict[str, Any]]:
    """Make a client, or say why none could be made.

    kafka-python says only that time is up, whether nobody listens or a broker refuses; what the client's connections
    failed of is therefore asked here, and whether somebody listens is tried. It also leaves behind the thread and
    sockets of a client that could not be made.

    Parameters
    ----------
    settings : KafkaSettings
        Where the client connects to.

    Yields
    ------
    dict of str to object
        Keyword arguments that every client takes.

    Raises
    ------
    SettingsError
        A broker is there and refuses the user, or its certificate is not to be believed.
    DependencyError
        No broker is there, or it does not answer.
    """
    made: list[KafkaNetClient] = []

    def remember(**options: object) -> KafkaNetClient:
        made.append(client_of(**options))
        return made[-1]

    try:
        with speaking(settings):
            yield settings.connection() | {"kafka_client": remember}
    except TunekinError as error:
        for client in made:
            client.close()
        if isinstance(error, DependencyError):
            raise _not_made(settings, made) from error
        raise


def _not_made(settings: KafkaSettings, clients: list[KafkaNetClient]) -> TunekinError:
    """Say why clients could not be made in time."""
    where = f"Kafka at {settings.bootstrap_servers}"
    connections = [client._manager for client in clients]  # noqa: SLF001 -- it was given to the client
    if not _listens(settings):
        return DependencyError(f"{where} is out of reach", hint="start it, or correct TUNEKIN_KAFKA_BOOTSTRAP_SERVERS")
    if settings.security_protocol.startswith("SASL") and any(one.has_spoken for one in connections):
        return _refusal(settings, f"it closes the connection after {settings.sasl_mechanism}")
    return DependencyError(
        f"{where} takes connections but gives no answer in {settings.connect_timeout_s:g} s"
        + "".join(f"; {failure}" for one in connections for failure in one.failures.values()),
        hint=f"wait until it is up, or correct TUNEKIN_KAFKA_SECURITY_PROTOCOL={settings.security_protocol}",
    )


@contextlib.contextmanager
def administering(settings: KafkaSettings) -> Iterator[kafka.KafkaAdminClient]:
    """Connect an administrator's client for a while.

    Parameters
    ----------
    settings : KafkaSettings
        Where the client connects to.

    Yields
    ------
    kafka.KafkaAdminClient
        Closed at the end.

    Raises
    ------
    SettingsError
        A broker refuses the client.
    DependencyError
        None answers.
    """
    with connecting(settings) as options:
        admin = kafka.KafkaAdminClient(**options)
    try:
        with speaking(settings):
            yield admin
    finally:
        admin.close()


@contextlib.contextmanager
def speaking(settings: KafkaSettings) -> Iterator[None]:
    """Turn what a client raises into Tunekin's errors.

    Parameters
    ----------
    settings : KafkaSettings
        Where the client is connected to.

    Yields
    ------
    None
        While the client is used.

    Raises
    ------
    SettingsError
        A broker refuses the user, or its certificate is not to be believed.
    DependencyError
        Anything else but defects.
    """
    try:
        yield
    except _DEFECTS:
        raise
    except errors.KafkaError as error:
        raise _translated(settings, error) from error


def _translated(settings: KafkaSettings, error: Exception) -> TunekinError:
    """Say what a client raised in Tunekin's words."""
    where = f"Kafka at {settings.bootstrap_servers}"
    # kafka-python puts only the text of what a handshake failed of into its own error.
    match error.__context__:
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=why) if code in _STRANGERS:
            return SettingsError(
                f"{where} shows a certificate of an authority that is not known here: {why}",
                hint="name the file of the authority's certificate by TUNEKIN_KAFKA_CA_FILE",
            )
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=why) if code in _OTHER_NAMES:
            return SettingsError(
                f"{where} shows a certificate for another name: {why}",
                hint="name brokers as their certificates do, in TUNEKIN_KAFKA_BOOTSTRAP_SERVERS "
                "and in the brokers' own advertised.listeners",
            )
        case ssl.SSLCertVerificationError(verify_message=why):
            return SettingsError(
                f"{where} shows a certificate that can't be believed: {why}",
                hint="have the brokers show another one, or set this machine's clock",
            )
    if isinstance(error, errors.SaslAuthenticationFailedError):
        # What the broker said, without the error's names before it.
        return _refusal(settings, str(error).rpartition(": ")[2])
    if isinstance(error, _REFUSALS):
        return _refusal(settings, str(error))
    return DependencyError(f"{where}: {error}")


def _listens(settings: KafkaSettings) -> bool:
    for server in settings.bootstrap_servers.split(","):
        host, _, port = server.rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), _PROBE_S):
            return True
    return False


def _refusal(settings: KafkaSettings, why: str) -> SettingsError:
    who = f"the user {settings.user!r}" if settings.user else "a client without a name"
    return SettingsError(
        f"Kafka at {settings.bootstrap_servers} refuses {who}: {why}",
        hint="correct TUNEKIN_KAFKA_USER, TUNEKIN_KAFKA_PASSWORD or TUNEKIN_KAFKA_SASL_MECHANISM, or grant the rights",
    )
