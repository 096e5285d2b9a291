"""The composition root: everything that the two lanes share, made once over a home folder."""

import contextlib
import time
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry

from tunekin.blobs import FsspecBlobStore
from tunekin.catalogue.database import migrate, open_engine
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.tastes import Tastes
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.local import LocalBus
from tunekin.metrics import WorkerMetrics
from tunekin.ports import Clock
from tunekin.service import Follower, Service
from tunekin.worker import Worker
from tunekin_classifier.adapters.model_store import FollowedModel, ModelStore
from tunekin_classifier.settings import DEFAULT_MODEL
from tunekin_embedded.home import Home
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder

__all__ = ["Parts"]


class Parts:
    """Catalogue, model, decoder and workers over one home folder; a context manager.

    Parameters
    ----------
    home : Home
        A prepared folder.
    settings : EmbeddedSettings
        Limits, search and workers.
    clock : Clock
        Time of day in seconds.

    Attributes
    ----------
    settings : EmbeddedSettings
        As given.
    clock : Clock
        As given.
    store : ModelStore
        Versions of the mood model.
    models : FollowedModel
        The one in use.
    reader : CatalogueReader
        Reads the catalogue.
    writer : CatalogueWriter
        Writes the catalogue.
    tastes : Tastes
        Keeps what listeners like and dislike.
    decoder : SandboxedDecoder
        Decodes sound files.

    Raises
    ------
    ModelError
        The mood model can't serve.
    SettingsError
        The catalogue was made by a newer version of Tunekin.
    """

    def __init__(self, home: Home, *, settings: EmbeddedSettings, clock: Clock = time.time) -> None:
        self.settings = settings
        self.clock = clock
        # The home has a folder of models of its own, unless the settings name another.
        named = settings.classifier.model
        models = home.models if named == DEFAULT_MODEL else named
        self.store = ModelStore(models)
        self.models = FollowedModel(models)
        self._engine = open_engine(home.catalogue_url)
        migrate(self._engine)
        self.reader = CatalogueReader(self._engine)
        self.writer = CatalogueWriter(self._engine, clock=clock)
        self.tastes = Tastes(self._engine, clock=clock)
        manifest = self.models.latest().manifest
        self.writer.put_moods(manifest.version, manifest.moods)
        self.decoder = SandboxedDecoder(settings.ingest.limits())
        self._open = contextlib.ExitStack()
        self._open.callback(self._engine.dispose)
        self._open.callback(self.decoder.close)
        # Whatever a person names on the command line may be read: it is their own machine.
        self._blobs = FsspecBlobStore(self._open.enter_context(home.blobs()), readable=("file:///",))
        self._metrics = WorkerMetrics(CollectorRegistry())

    @property
    def model_version(self) -> str:
        """Version of the mood model."""
        return self.models.latest().manifest.version

    def worker(self, bus: LocalBus, service: Service, *followers: Follower) -> Worker:
        """Put a service on a bus.

        Parameters
        ----------
        bus : LocalBus
            Where its topics are.
        service : Service
            What to run; services of one role and the same topics share the work.
        *followers : Follower
            Topics that it sees in full besides.

        Returns
        -------
        Worker
            Ready to be stepped or run.
        """
        return Worker(
            service,
            consumer=bus.consumer(service.topics, group=f"{service.role} of {', '.join(service.topics)}"),
            producer=bus.producer(),
            blobs=self._blobs,
            metrics=self._metrics,
            clock=self.clock,
            followers=[(follower, bus.consumer(follower.topics, group=None)) for follower in followers],
            fetch_limit_bytes=self.settings.ingest.max_bytes,
            # Few in a pass: songs are large, and a pass is what a stop waits for.
            max_records=4,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the blobs, the decoder and the catalogue."""
        self._open.close()
