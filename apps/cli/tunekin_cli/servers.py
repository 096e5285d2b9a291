"""The servers of a distributed Tunekin, as the commands for operators and publishers reach them."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from tunekin.blobs import FsspecBlobStore
from tunekin.catalogue.database import opened
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.tastes import Tastes
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.dead_letter_office import DeadLetterOffice
from tunekin.kafka import KafkaBus, KafkaSettings
from tunekin.process_settings import BlobSettings, CatalogueSettings
from tunekin.settings import Settings, forbid_unknown, read
from tunekin.tracing import TracingSettings, tracer_of
from tunekin_embedded.settings import GROUPS

__all__ = ["SERVER_GROUPS", "Servers"]

SERVER_GROUPS: tuple[type[Settings], ...] = (KafkaSettings, BlobSettings, CatalogueSettings, TracingSettings)


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Where the servers are.

    Attributes
    ----------
    kafka : KafkaSettings
        The brokers.
    blobs : BlobSettings
        The blob store.
    catalogue : CatalogueSettings
        The catalogue.
    tracing : TracingSettings
        Who is told of what is sent.
    """

    kafka: KafkaSettings
    blobs: BlobSettings
    catalogue: CatalogueSettings
    tracing: TracingSettings

    @classmethod
    def read(cls) -> Self:
        """Read the settings from the environment.

        Returns
        -------
        Servers
            Nothing is connected yet.

        Raises
        ------
        SettingsError
            A variable is unknown, or its value impossible.
        """
        forbid_unknown((*GROUPS, *SERVER_GROUPS))
        return cls(
            kafka=read(KafkaSettings),
            blobs=read(BlobSettings),
            catalogue=read(CatalogueSettings),
            tracing=read(TracingSettings),
        )

    def bus(self, *, traced_as: str = "") -> KafkaBus:
        """Make what connects producers and consumers.

        Parameters
        ----------
        traced_as : str
            Name in traces, for a program that publishes.

        Returns
        -------
        KafkaBus
            Of the brokers.
        """
        # Whoever only reads begins no trace, and needs nothing of what traces take.
        if not traced_as:
            return KafkaBus(self.kafka)
        return KafkaBus(self.kafka, tracer=tracer_of(self.tracing, service=traced_as, prefix=self.kafka.prefix))

    def blob_store(self) -> FsspecBlobStore:
        """Open the blob store.

        Returns
        -------
        FsspecBlobStore
            With the prefixes that records may refer to.
        """
        return FsspecBlobStore(self.blobs.root, readable=self.blobs.readable)

    def dead_letters(self) -> DeadLetterOffice:
        """Open what looks after dead letters.

        Returns
        -------
        DeadLetterOffice
            On the brokers and the blob store.
        """
        return DeadLetterOffice(self.bus(), self.blob_store())

    @contextlib.contextmanager
    def reader(self) -> Iterator[CatalogueReader]:
        """Open the catalogue for reading.

        Yields
        ------
        CatalogueReader
            Connected when it is first used, closed at the end.

        Raises
        ------
        SettingsError
            Its URL is none of a database that Tunekin uses.
        """
        with opened(self.catalogue.url.get_secret_value()) as engine:
            yield CatalogueReader(engine)

    @contextlib.contextmanager
    def writer(self) -> Iterator[CatalogueWriter]:
        """Open the catalogue for writing.

        Yields
        ------
        CatalogueWriter
            Connected when it is first used, closed at the end.

        Raises
        ------
        SettingsError
            Its URL is none of a database that Tunekin uses.
        """
        with opened(self.catalogue.url.get_secret_value()) as engine:
            yield CatalogueWriter(engine, clock=time.time)

    @contextlib.contextmanager
    def tastes(self) -> Iterator[Tastes]:
        """Open what keeps listeners' likes and dislikes.

        Yields
        ------
        Tastes
            Connected when it is first used, closed at the end.

        Raises
        ------
        SettingsError
            The catalogue's URL is none of a database that Tunekin uses.
        """
        with opened(self.catalogue.url.get_secret_value()) as engine:
            yield Tastes(engine, clock=time.time)
