"""The clips' lane in one thread: the caller's own steps every worker until the answer is there."""

import time
import uuid
from collections.abc import Callable

from tunekin import codec
from tunekin.errors import DependencyError
from tunekin.local import LocalBus
from tunekin.messages import Answer, ClipOptions, ClipSubject, ClipSubmitted, Trace, TrackQuery
from tunekin_classifier import service as classifier
from tunekin_embedded.parts import Parts
from tunekin_featurizer import service as featurizer
from tunekin_ingest import service as ingest
from tunekin_ranker import service as ranker
from tunekin_ranker.adapters.catalogue_snapshots import CatalogueSnapshots
from tunekin_ranker.adapters.memory_cache import MemoryCache
from tunekin_ranker.crew import Crew

__all__ = ["ClipLane"]

# How long a clip waits for a catalogue that another program locks, before that is an error.
_PATIENCE_S = 30.0
_PAUSE_S = 0.05


def _nobody(_: str) -> None:
    """Hear of a stage, and do nothing."""


class ClipLane:
    """Answers clips, one at a time.

    Parameters
    ----------
    parts : Parts
        What the lanes share; outlives the lane.
    """

    def __init__(self, parts: Parts) -> None:
        self._clock = parts.clock
        bus = LocalBus(clock=parts.clock, partitions=1)
        self._producer = bus.producer()
        self._outcomes = bus.consumer(["recommendations"], group="listener")
        self._snapshots = CatalogueSnapshots(parts.reader, model_version=parts.model_version)
        self._crew = Crew(parts.settings.ranker.threads)
        ranking = ranker.service(
            self._snapshots,
            MemoryCache(max_entries=parts.settings.ranker.cache_entries),
            topics=("clips.classified",),
            settings=parts.settings.ranker,
            crew=self._crew,
        )
        decoding = ingest.decode_service(parts.decoder, topics=("clips",))
        features = featurizer.service(topics=("clips.audio",))
        judging = classifier.service(parts.models.latest, topics=("clips.features",))
        self._stages = [
            (decoding.role, parts.worker(bus, decoding)),
            (features.role, parts.worker(bus, features)),
            (judging.role, parts.worker(bus, judging)),
            (ranking.role, parts.worker(bus, ranking, ranker.follower(self._snapshots))),
        ]
        self._writer = parts.worker(bus, ingest.write_service(parts.writer, topics=("recommendations",)))

    def answer(
        self, data: bytes, *, options: ClipOptions, name: str | None = None, heard: Callable[[str], None] = _nobody
    ) -> Answer:
        """Say a clip's mood and the tracks most like it.

        Parameters
        ----------
        data : bytes
            An encoded sound file.
        options : ClipOptions
            What is asked for.
        name : str or None
            Name of the clip; a new one unless it is given.
        heard : callable
            Told the name of each stage when it is done.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.

        Raises
        ------
        DependencyError
            The catalogue stays locked by another program.
        """
        subject = _subject(options, name=name)
        return self._answered(ClipSubmitted(subject=subject, data=data, trace=self._trace()), heard)

    def answer_track(
        self, track_id: str, *, options: ClipOptions, name: str | None = None, heard: Callable[[str], None] = _nobody
    ) -> Answer:
        """Say a track's mood and the tracks most like it.

        Parameters
        ----------
        track_id : str
            A track of the catalogue.
        options : ClipOptions
            What is asked for; its span is one of the track, the most typical part unless it is given.
        name : str or None
            Name of the query; a new one unless it is given.
        heard : callable
            Told the name of each stage when it is done.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.

        Raises
        ------
        DependencyError
            The catalogue stays locked by another program.
        """
        subject = _subject(options, name=name)
        return self._answered(TrackQuery(subject=subject, track_id=track_id, trace=self._trace()), heard)

    def _trace(self) -> Trace:
        return Trace(published_ms=self._clock() * 1000)

    def _answered(self, message: ClipSubmitted | TrackQuery, heard: Callable[[str], None]) -> Answer:
        # Another program may have added tracks since; this bus does not tell.
        self._snapshots.refresh()
        key = message.subject.key
        self._producer.send(codec.encode(message))
        given_up_s = self._clock() + _PATIENCE_S
        while True:
            moved = 0
            for role, worker in self._stages:
                handled = worker.step(timeout_s=0)
                moved += handled
                if handled:
                    heard(role)
            for record in self._outcomes.poll(timeout_s=0, max_records=10):
                outcome = codec.decode(record)
                if isinstance(outcome, Answer) and outcome.key == key:
                    self._finish()
                    return outcome
            if self._clock() > given_up_s:
                msg = f"the catalogue did not answer for {_PATIENCE_S:.0f} s"
                raise DependencyError(msg, hint="another program may hold it; try again when that is done")
            if not moved:
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Release the workers."""
        for _, worker in self._stages:
            worker.close()
        self._writer.close()
        self._crew.close()

    def _finish(self) -> None:
        """Let the writer store the answer, and everybody forget the clip."""
        self._outcomes.commit()
        for _, worker in self._stages:
            worker.step(timeout_s=0)
        self._writer.step(timeout_s=0)


def _subject(options: ClipOptions, *, name: str | None) -> ClipSubject:
    key = name or str(uuid.uuid4())
    return ClipSubject(clip_id=f"/tunekin/embedded#{key}", key=key, options=options)
