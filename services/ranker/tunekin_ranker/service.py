"""The ranker's topics, handler and follower."""

from collections.abc import Iterator
from typing import Protocol

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from tunekin.features import FEATURES, FeatureVersion
from tunekin.messages import Answer, CatalogueChange, Classified, ClipSubject, TrackSelected
from tunekin.ports import Cache
from tunekin.service import Follower, Service
from tunekin_ranker.cache_key import cache_key
from tunekin_ranker.crew import Crew
from tunekin_ranker.metrics import RankerMetrics
from tunekin_ranker.rank import rank
from tunekin_ranker.recall import recall
from tunekin_ranker.settings import RankerSettings
from tunekin_ranker.shadow import Shadow, differs, recall5
from tunekin_ranker.snapshot import Snapshot

__all__ = ["ROLE", "Snapshots", "follower", "service"]

ROLE = "ranker"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Answer)


class Snapshots(Protocol):
    """Follows the catalogue."""

    def current(self, model_version: str | None = None) -> Snapshot:
        """Return the newest state; a query uses one from beginning to end.

        Parameters
        ----------
        model_version : str or None
            Mood model whose moods it should have; that in use unless it is given.

        Returns
        -------
        Snapshot
            Never changes. With the moods of the model in use where the catalogue does not know the one asked for.
        """

    def apply(self, change: CatalogueChange) -> None:
        """Take a change up into the next state.

        Parameters
        ----------
        change : CatalogueChange
            Which track changed.
        """


def service(
    snapshots: Snapshots,
    cache: Cache,
    *,
    topics: tuple[str, ...],
    settings: RankerSettings,
    version: FeatureVersion = FEATURES,
    crew: Crew | None = None,
    metrics: RankerMetrics | None = None,
) -> Service:
    """Make the ranker.

    Parameters
    ----------
    snapshots : Snapshots
        The catalogue.
    cache : Cache
        Answers given before; an answer is the same without it.
    topics : tuple of str
        ``clips.classified``.
    settings : RankerSettings
        How matches are found.
    version : FeatureVersion
        Of the frames.
    crew : Crew, optional
        Threads that share the work of one query; only the caller's by default.
    metrics : RankerMetrics, optional
        Where searches are counted; nowhere to be seen by default.

    Returns
    -------
    Service
        Reads `Classified` and `TrackSelected`, writes `Answer`.
    """
    shortlist_size = settings.shortlist_size
    shadow = Shadow(every=settings.shadow_every)
    counted = metrics or RankerMetrics(CollectorRegistry())
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(role=ROLE)

    def answered(message: Classified, clip: ClipSubject, snapshot: Snapshot, *, without: str | None) -> Answer:
        def ranked(*, brute: bool) -> Answer:
            return rank(
                message,
                clip,
                snapshot,
                version=version,
                shortlist_size=shortlist_size,
                without=without,
                brute=brute,
                crew=crew,
            )

        answer = ranked(brute=False)
        _count(counted, answer)
        if shadow.is_due():
            brute = ranked(brute=True)
            counted.shadow_recall.labels(mode=clip.options.mode).observe(recall5(answer, brute))
            if answer.search is not None and answer.search.proven and differs(answer, brute):
                counted.shadow_differences.inc()
                log.error("search.not_confirmed", clip_id=clip.clip_id, catalogue_version=snapshot.catalogue_version)
        return answer

    def handle(message: Classified | TrackSelected) -> Iterator[Answer]:
        if isinstance(message, Classified):
            # Classifiers switch to a new model one after another; each clip is answered by the moods of its own.
            snapshot, track_id = snapshots.current(message.model_version), None
        else:
            snapshot = snapshots.current()
            track_id = message.track_id
            message = recall(message, snapshot, version=version)
        clip = message.subject
        if not isinstance(clip, ClipSubject):
            # The topic of classified clips holds nothing else; a track there is a defect, and ends as one.
            msg = f"a track on its way to the ranker: {clip.track.track_id}"
            raise TypeError(msg)
        key = cache_key(message, clip, snapshot, shortlist_size=shortlist_size, track_id=track_id)
        known = cache.join(key)
        counted.cache.labels(result="miss" if known is None else "hit").inc()
        if known is not None:
            yield msgspec.structs.replace(
                _decoder.decode(known), clip_id=clip.clip_id, key=clip.key, attempt=clip.attempt
            )
            return
        try:
            answer = answered(message, clip, snapshot, without=track_id)
        except BaseException:
            cache.leave(key)
            raise
        cache.set(key, _encoder.encode(answer))
        yield answer

    return Service(role=ROLE, topics=topics, handle=handle, writes=("recommendations",))


def follower(snapshots: Snapshots) -> Follower:
    """Make what keeps the ranker's snapshots up to date.

    Parameters
    ----------
    snapshots : Snapshots
        The catalogue.

    Returns
    -------
    Follower
        Reads every `CatalogueChange`.
    """
    return Follower(topics=("catalog.changes",), apply=snapshots.apply)


def _count(metrics: RankerMetrics, answer: Answer) -> None:
    facts = answer.search
    if facts is None:
        return
    metrics.searches.labels(mode=facts.mode, proven=str(facts.proven).lower()).inc()
    metrics.candidates.labels(mode=facts.mode).inc(facts.candidates)
    metrics.compared_in_full.labels(mode=facts.mode).inc(facts.compared_in_full)
    if facts.candidates:
        metrics.compared_share.labels(mode=facts.mode).observe(facts.compared_in_full / facts.candidates)
