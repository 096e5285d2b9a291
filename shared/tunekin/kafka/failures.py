"""Kafka's errors in Tunekin's words."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import kafka
from kafka import errors
from kafka.net.compat import KafkaNetClient

from tunekin.errors import DependencyError, SettingsError
from tunekin.kafka.settings import KafkaSettings

__all__ = ["administering", "connecting", "speaking"]

# A client that was called wrongly: a defect, which stays what it is.
_DEFECTS = (errors.IllegalArgumentError, errors.IllegalStateError, errors.KafkaConfigurationError)
_REFUSALS = (errors.AuthorizationError, errors.SaslAuthenticationFailedError)
# For one TCP handshake.
_PROBE_S = 1.0


@contextlib.contextmanager
def connecting(settings: KafkaSettings) -> Iterator[dict[str, Any]]:
    """Make a client, or say why none could be made.

    kafka-python says only that time is up, whether nobody listens or a broker refuses; whether somebody listens is
    therefore tried here. It also leaves behind the thread and sockets of a client that could not be made.

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
        A broker is there and refuses the user.
    DependencyError
        No broker is there, or it does not answer.
    """
    made: list[KafkaNetClient] = []

    def remember(**options: object) -> KafkaNetClient:
        made.append(KafkaNetClient(**options))
        return made[-1]

    try:
        with speaking(settings):
            yield settings.connection() | {"kafka_client": remember}
    except DependencyError as error:
        for client in made:
            client.close()
        where = f"Kafka at {settings.bootstrap_servers}"
        if not _listens(settings):
            raise DependencyError(
                f"{where} is out of reach", hint="start it, or correct TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"
            ) from error
        if settings.security_protocol.startswith("SASL"):
            raise _refusal(settings, f"it closes the connection after {settings.sasl_mechanism}") from error
        raise DependencyError(
            f"{where} takes connections but gives no answer in {settings.connect_timeout_s:g} s",
            hint=f"wait until it is up, or correct TUNEKIN_KAFKA_SECURITY_PROTOCOL={settings.security_protocol}",
        ) from error


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
        A broker refuses the user.
    DependencyError
        Anything else but defects.
    """
    try:
        yield
    except _DEFECTS:
        raise
    except _REFUSALS as error:
        raise _refusal(settings, str(error)) from error
    except errors.KafkaError as error:
        raise DependencyError(f"Kafka at {settings.bootstrap_servers}: {error}") from error


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
