"""Clips to the brokers and their outcomes back, for programs in Python.

    from tunekin.client import connect

    with connect() as client:
        ticket = client.publish(recording)
        answer = client.wait(ticket, timeout_s=30)

`connect` reads the variables ``TUNEKIN_KAFKA_…`` and ``TUNEKIN_BLOBS_…``. `Client` is for threads, `AsyncClient` for
asyncio. Programs in other languages need no more than a Kafka client: see ``docs/producers.md``.
"""

from tunekin.client.asynchronous import AsyncClient
from tunekin.client.connect import connect, connect_async
from tunekin.client.synchronous import Client
from tunekin.client.tickets import Result, Ticket
from tunekin.messages import Answer, ClipOptions

__all__ = ["Answer", "AsyncClient", "Client", "ClipOptions", "Result", "Ticket", "connect", "connect_async"]
