"""The ranker's topics, handlers and follower, and those of the merge of a divided catalogue."""

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from tunekin.features import FEATURES, FeatureVersion
from tunekin.gathering import Gathering
from tunekin.messages import Answer, CatalogueChange, Classified, Partial, TrackSelected
from tunekin.ports import Cache
from tunekin.service import Follower, Service
from tunekin_ranker.cache_key import cache_key
from tunekin_ranker.crew import Crew
from tunekin_ranker.floors import KeptFloors
from tunekin_ranker.merge import Frames, is_complete, merge, question_of
from tunekin_ranker.metrics import RankerMetrics
from tunekin_ranker.rank import asked_songs, clip_of, look, rank
from tunekin_ranker.recall import recall
from tunekin_ranker.settings import MergeSettings, RankerSettings
from tunekin_ranker.shadow import Shadow, differs, recall5
from tunekin_ranker.shard import Shard
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.taste import Song

__all__ = ["MERGE_ROLE", "ROLE", "Following", "Snapshots", "follower", "merge_service", "service"]

ROLE, MERGE_ROLE = "ranker", "merge"

_encoder = msgspec.msgpack.Encoder()


class Following(Protocol):
    """Follows the catalogue."""

    def apply(self, change: CatalogueChange) -> None:
        """Take a change up.

        Parameters
        ----------
        change : CatalogueChange
            Which track changed.
        """


class Snapshots(Following, Protocol):
    """Follows the catalogue by its states."""

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

    def songs_elsewhere(self, track_ids: Collection[str]) -> Mapping[str, Song]:
        """Look up songs that other shards hold.

        Parameters
        ----------
        track_ids : collection of str
            Ids of songs, wherever they are held.

        Returns
        -------
        mapping of str to Song
            Those of other shards by id; without those that the catalogue does not hold.
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
        Reads `Classified` and `TrackSelected`, writes `Answer`; where the catalogue is divided, `Partial` instead, and
        `Classified` for all shards where a track is asked for that this one holds.
    """
    shard = Shard.parse(settings.shard)
    whole = shard.count == 1
    counted = metrics or RankerMetrics(CollectorRegistry())
    decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Answer if whole else Partial)
    find = _Finder(settings, version=version, shard=shard, crew=crew, metrics=counted)

    def looked(message: Classified, snapshot: Snapshot, kept: KeptFloors) -> Partial:
        return find(message, snapshot, snapshots.songs_elsewhere(asked_songs(message)), kept)

    def outcome(message: Classified, snapshot: Snapshot) -> Answer | Partial:
        """Answer, or take the answer that was given before."""
        key = cache_key(message, snapshot, shortlist_size=settings.shortlist_size, shard=shard)
        known = cache.join(key)
        counted.cache.labels(result="miss" if known is None else "hit").inc()
        if known is not None:
            return _for(message, decoder.decode(known))
        try:
            kept = KeptFloors()
            made = (
                rank(lambda asked: looked(asked, snapshot, kept), message) if whole else looked(message, snapshot, kept)
            )
        except BaseException:
            cache.leave(key)
            raise
        cache.set(key, _encoder.encode(made))
        return made

    def handle(message: Classified | TrackSelected) -> Iterator[Answer | Partial | Classified]:
        if isinstance(message, Classified):
            # Classifiers switch to a new model one after another; each clip is answered by the moods of its own.
            yield outcome(message, snapshots.current(message.model_version))
        elif shard.holds(message.track_id):
            snapshot = snapshots.current()
            recalled = recall(message, snapshot, version=version)
            yield outcome(recalled, snapshot) if whole else recalled

    return Service(
        role=ROLE,
        topics=topics,
        handle=handle,
        writes=("recommendations",) if whole else ("clips.partials", *topics),
        part="" if whole else f"shard-{shard}",
    )


def merge_service(*, frames: Frames, settings: MergeSettings, version: FeatureVersion = FEATURES) -> Service:
    """Make what joins the answers of a divided catalogue's shards.

    Parameters
    ----------
    frames : callable
        Gives the frames of a track of any shard.
    settings : MergeSettings
        How long to wait for the last shard.
    version : FeatureVersion
        Of the frames.

    Returns
    -------
    Service
        Reads `Partial`, writes `Answer`, and `Classified` for all shards where they have to look again.
    """

    def handle(partials: Sequence[Partial]) -> Iterator[Answer | Classified]:
        yield merge(partials, frames=frames, version=version)

    return Service(
        role=MERGE_ROLE,
        topics=("clips.partials",),
        handle=handle,
        writes=("recommendations", "clips.classified"),
        gathering=Gathering(key=question_of, is_complete=is_complete, deadline_s=settings.deadline_s),
    )


def follower(catalogue: Following) -> Follower:
    """Make what keeps up to date with the catalogue.

    Parameters
    ----------
    catalogue : Following
        What a worker holds of the catalogue.

    Returns
    -------
    Follower
        Reads every `CatalogueChange`.
    """
    return Follower(topics=("catalog.changes",), apply=catalogue.apply)


class _Finder:
    """Looks for what a clip asks for, counts, and checks some of the searches."""

    def __init__(
        self,
        settings: RankerSettings,
        *,
        version: FeatureVersion,
        shard: Shard,
        crew: Crew | None,
        metrics: RankerMetrics,
    ) -> None:
        self._look = functools.partial(
            look, version=version, shortlist_size=settings.shortlist_size, shard=shard, crew=crew
        )
        self._shadow = Shadow(every=settings.shadow_every)
        self._metrics = metrics
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(role=ROLE)

    def __call__(self, message: Classified, snapshot: Snapshot, songs: Mapping[str, Song], kept: KeptFloors) -> Partial:
        found = self._look(message, snapshot, songs=songs, kept=kept)
        facts, metrics = found.search, self._metrics
        metrics.searches.labels(mode=facts.mode, proven=str(facts.proven).lower()).inc()
        metrics.candidates.labels(mode=facts.mode).inc(facts.candidates)
        metrics.compared_in_full.labels(mode=facts.mode).inc(facts.compared_in_full)
        if facts.candidates:
            metrics.compared_share.labels(mode=facts.mode).observe(facts.compared_in_full / facts.candidates)
        if self._shadow.is_due():
            self._check(found, self._look(message, snapshot, songs=songs, brute=True))
        return found

    def _check(self, found: Partial, brute: Partial) -> None:
        self._metrics.shadow_recall.labels(mode=found.search.mode).observe(recall5(found, brute))
        if found.search.proven and differs(found, brute):
            self._metrics.shadow_differences.inc()
            self._log.error(
                "search.not_confirmed",
                clip_id=found.subject.clip_id,
                catalogue_version=found.versions.catalogue,
            )


def _for(message: Classified, given: Answer | Partial) -> Answer | Partial:
    """Give the answer that was made for a clip to another one of the same sound."""
    clip = clip_of(message)
    if isinstance(given, Answer):
        return msgspec.structs.replace(given, clip_id=clip.clip_id, key=clip.key, attempt=clip.attempt)
    question = given.question and msgspec.structs.replace(given.question, subject=clip)
    return msgspec.structs.replace(given, subject=clip, trace=message.trace, question=question)
