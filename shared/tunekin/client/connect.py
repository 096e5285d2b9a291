"""The composition root of a publisher: what the environment says, put together."""

import structlog

from tunekin import logging
from tunekin.blobs import FsspecBlobStore
from tunekin.client.asynchronous import AsyncClient
from tunekin.client.synchronous import Client
from tunekin.kafka import KafkaBus, KafkaSettings
from tunekin.process_settings import BlobSettings
from tunekin.settings import forbid_unknown, read
from tunekin.tracing import TracingSettings, tracer_of

__all__ = ["connect", "connect_async"]


def connect(*, source: str = "/tunekin/client", max_in_flight: int = 1000, retries: int = 3) -> Client:
    """Connect a client to what ``TUNEKIN_KAFKA_…`` and ``TUNEKIN_BLOBS_…`` name.

    What it has to say, such as that it connects anew, goes to standard error, unless the program has configured
    structlog.

    Parameters
    ----------
    source : str
        Who publishes, as a URI.
    max_in_flight : int
        Most clips without an outcome; with as many, publishing waits.
    retries : int
        How often a record that was not acknowledged is sent again.

    Returns
    -------
    Client
        A new one, to be closed.

    Raises
    ------
    SettingsError
        A variable is unknown or can't be right, or a broker refuses the client.
    DependencyError
        No broker answers, or the topics are missing.
    """
    forbid_unknown((KafkaSettings, BlobSettings, TracingSettings))
    if not structlog.is_configured():
        logging.configure(level="warning", fmt="console")
    blobs, kafka = read(BlobSettings), read(KafkaSettings)
    store = FsspecBlobStore(blobs.root, readable=blobs.readable)
    tracer = tracer_of(read(TracingSettings), service=f"tunekin-client {source}", prefix=kafka.prefix)
    return Client(
        KafkaBus(kafka, tracer=tracer), blobs=store, source=source, max_in_flight=max_in_flight, retries=retries
    )


def connect_async(*, source: str = "/tunekin/client", max_in_flight: int = 1000, retries: int = 3) -> AsyncClient:
    """Connect a client for asyncio, see `connect`.

    It waits for the brokers: call it before the loop runs, or in a thread.

    Parameters
    ----------
    source : str
        Who publishes, as a URI.
    max_in_flight : int
        Most clips without an outcome; with as many, publishing waits.
    retries : int
        How often a record that was not acknowledged is sent again.

    Returns
    -------
    AsyncClient
        A new one, to be closed.
    """
    return AsyncClient(connect(source=source, max_in_flight=max_in_flight, retries=retries))
