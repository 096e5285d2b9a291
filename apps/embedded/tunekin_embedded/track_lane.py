"""The tracks' lane on all processors: sound files in, one outcome for each out."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from tunekin import codec
from tunekin.errors import DependencyError
from tunekin.features import FEATURES
from tunekin.local import LocalBus, LocalProducer
from tunekin.messages import Trace, Track, TrackOutcome, TrackSubject, TrackSubmitted
from tunekin.ports import ClaimCheck, Clock, Record
from tunekin.service import Service
from tunekin.worker import Worker
from tunekin_classifier import service as classifier
from tunekin_embedded.compute_process import ComputeProcess
from tunekin_embedded.parts import Parts
from tunekin_embedded.sound_files import Fetched, content_sha256, unreadable
from tunekin_featurizer.role import ROLE as FEATURIZER
from tunekin_ingest import service as ingest

__all__ = ["load"]

# Sound under way: a few songs for each worker, whatever the catalogue's size.
_BACKLOG_BYTES = 96 * 1024 * 1024
# More partitions than workers, so that hashing the keys spreads the load.
_PARTITIONS_PER_WORKER = 8
_POLL_S = 0.1
# Fetched files that wait to be heard: enough to keep every worker busy, and a bound on the room that they take.
_MOST_FETCHED = 16
# How long tracks wait for something that is down, full or locked, while nothing else gets done.
_PATIENCE_S = 30.0


def load(parts: Parts, tracks: Iterable[Track | Fetched | TrackOutcome]) -> Iterator[TrackOutcome]:
    """Put sound files into the catalogue.

    Parameters
    ----------
    parts : Parts
        What the lanes share.
    tracks : iterable of Track, Fetched or TrackOutcome
        Each with an id and the URI of its sound file, other fields where known; or with a file that was fetched, which
        is removed once it is heard; or what came of it already. Consumed in a thread of its own while results come in.

    Yields
    ------
    TrackOutcome
        One for each track, in the order in which they are done. A file that can't be used is a failure among them, one
        whose very bytes the catalogue holds already is unchanged.

    Raises
    ------
    DependencyError
        For half a minute nothing got done, since the catalogue can't be written: its disk is full, or it is locked.
    """
    workers = parts.settings.program.worker_count()
    bus = LocalBus(clock=parts.clock, partitions=workers * _PARTITIONS_PER_WORKER, backlog_bytes=_BACKLOG_BYTES)
    outcomes = bus.consumer(["catalog.outcomes"], group="load")
    known = parts.reader.contents(FEATURES.name, summary_size=FEATURES.summary_size)
    submissions = _Submissions(tracks, known=known, producer=bus.producer(), clock=parts.clock)
    with contextlib.ExitStack() as stack:
        computes = [stack.enter_context(contextlib.closing(ComputeProcess())) for _ in range(workers)]
        crew = stack.enter_context(_Crew(bus))
        for compute in computes:
            compute.start()
            features = Service(role=FEATURIZER, topics=("tracks.audio",), handle=compute.handle)
            crew.start(parts.worker(bus, ingest.decode_service(parts.decoder, topics=("catalog.ingest",))))
            crew.start(parts.worker(bus, features))
        crew.start(parts.worker(bus, classifier.service(parts.models.latest, topics=("tracks.features",))))
        crew.start(parts.worker(bus, ingest.write_service(parts.writer, topics=("tracks.classified",))))
        crew.run(submissions.send)
        seen, moved_s = 0, parts.clock()
        while seen < submissions.count or not submissions.complete:
            crew.check()
            records = outcomes.poll(timeout_s=_POLL_S, max_records=100)
            outcomes.commit()
            seen += len(records)
            reason = crew.waits_for()
            if records or reason is None:
                moved_s = parts.clock()
            elif parts.clock() - moved_s > _PATIENCE_S:
                msg = f"nothing got done for {_PATIENCE_S:.0f} s: {reason}"
                raise DependencyError(msg, hint="set that right; the same command goes on from here")
            for outcome in map(codec.decode, records):
                if isinstance(outcome, TrackOutcome):
                    submissions.release(outcome.track_id)
                    yield outcome


class _Submissions:
    """Publishes tracks while others work on them."""

    def __init__(
        self,
        tracks: Iterable[Track | Fetched | TrackOutcome],
        *,
        known: dict[str, str],
        producer: LocalProducer,
        clock: Clock,
    ) -> None:
        self._tracks = tracks
        self._known = known
        self._producer = producer
        self._clock = clock
        self.count = 0
        self.complete = False
        self._fetched: dict[str, Fetched] = {}
        self._released = threading.Condition()

    def send(self, stop: threading.Event) -> None:
        """Publish each track by reference to its file, unless the catalogue holds that file."""
        for track in self._tracks:
            if stop.is_set():
                return
            # Counted before it is sent, so that its outcome never seems to be one too many.
            self.count += 1
            self._producer.send(self._record(track))
            with self._released:
                while len(self._fetched) >= _MOST_FETCHED and not stop.is_set():
                    self._released.wait(_POLL_S)
        self.complete = True

    def release(self, track_id: str) -> None:
        """Remove the file of a track that is done, where it was fetched for this."""
        with self._released:
            fetched = self._fetched.pop(track_id, None)
            self._released.notify()
        if fetched is not None:
            fetched.release()

    def _record(self, item: Track | Fetched | TrackOutcome) -> Record:
        if isinstance(item, TrackOutcome):
            return codec.encode(item)
        if isinstance(item, Fetched):
            with self._released:
                self._fetched[item.track.track_id] = item
            return self._claim(item.track, uri=item.path.as_uri(), sha256=item.sha256)
        try:
            sha256 = content_sha256(item.source_uri)
        except OSError as error:
            return codec.encode(unreadable(item, error))
        return self._claim(item, uri=item.source_uri, sha256=sha256)

    def _claim(self, track: Track, *, uri: str, sha256: str) -> Record:
        if sha256 in self._known:
            return codec.encode(TrackOutcome(track_id=track.track_id, source_uri=track.source_uri, status="unchanged"))
        self._known[sha256] = track.track_id
        trace = Trace(published_ms=self._clock() * 1000)
        record = codec.encode(TrackSubmitted(subject=TrackSubject(track=track), data=b"", trace=trace))
        return codec.with_claim(record, ClaimCheck(uri=uri, sha256=sha256))


class _Crew:
    """Threads that end together; the first error of any is raised by `check`."""

    def __init__(self, bus: LocalBus) -> None:
        self._bus = bus
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._workers: list[Worker] = []

    def start(self, worker: Worker) -> None:
        """Run a worker in a thread of its own."""
        self._workers.append(worker)
        self.run(worker.run)

    def waits_for(self) -> str | None:
        """Why a record waits; None where none does."""
        return next((reason for worker in self._workers for reason in worker.waiting.values()), None)

    def run(self, target: Callable[[threading.Event], None]) -> None:
        """Run a function that ends when told to in a thread of its own."""

        def guarded() -> None:
            try:
                target(self._stop)
            except Exception as error:  # noqa: BLE001 - the main thread raises it
                if not self._stop.is_set():
                    self._errors.append(error)

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()

    def check(self) -> None:
        """Raise the first error of any thread."""
        if self._errors:
            raise self._errors[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._bus.close()
        for thread in self._threads:
            thread.join()
