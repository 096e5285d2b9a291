"""``tunekin-ranker rank`` and ``tunekin-ranker merge``: composition roots."""

import contextlib

from tunekin.catalogue.database import check_schema, opened
from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import DependencyError, SettingsError
from tunekin.ports import Cache
from tunekin.process import Process, Role, Root, run
from tunekin.process_settings import CatalogueSettings
from tunekin.settings import read
from tunekin_ranker.adapters.catalogue_frames import CatalogueFrames
from tunekin_ranker.adapters.catalogue_snapshots import CatalogueSnapshots
from tunekin_ranker.adapters.memory_cache import MemoryCache
from tunekin_ranker.adapters.redis_cache import RedisCache
from tunekin_ranker.adapters.snapshot_files import SnapshotFiles
from tunekin_ranker.crew import Crew
from tunekin_ranker.metrics import RankerMetrics
from tunekin_ranker.service import follower, merge_service, service
from tunekin_ranker.settings import CacheSettings, MergeSettings, RankerSettings
from tunekin_ranker.shard import Shard
from tunekin_ranker.warm import warm_up, warm_up_versions
from tunekin_ranker.watched import WatchedSnapshots

__all__ = ["ROOTS", "main"]


def _rank(process: Process) -> Role:
    settings = read(RankerSettings)
    engine = process.closing.enter_context(opened(read(CatalogueSettings).url.get_secret_value()))
    check_schema(engine)
    reader = CatalogueReader(engine)
    folder, shard = settings.snapshot_folder, Shard.parse(settings.shard)
    metrics = RankerMetrics(process.registry)
    snapshots = WatchedSnapshots(
        CatalogueSnapshots(
            reader,
            model_version=_model_version(reader, settings.model_version),
            # A folder for each shard, so that none removes another's.
            files=None if folder is None else SnapshotFiles(folder / str(shard)),
            shard=shard,
        ),
        metrics=metrics,
        shard=shard,
    )
    crew = Crew(settings.threads)
    process.closing.callback(crew.close)

    def ready() -> None:
        snapshots.current()
        warm_up()

    return Role(
        service=service(
            snapshots,
            _cache(process, settings, metrics),
            topics=("clips.classified",),
            settings=settings,
            crew=crew,
            metrics=metrics,
        ),
        warm_up=ready,
        followers=(follower(snapshots),),
    )


def _merge(process: Process) -> Role:
    settings = read(MergeSettings)
    engine = process.closing.enter_context(opened(read(CatalogueSettings).url.get_secret_value()))
    check_schema(engine)
    frames = CatalogueFrames(CatalogueReader(engine))
    return Role(
        service=merge_service(frames=frames, settings=settings),
        warm_up=warm_up_versions,
        followers=(follower(frames),),
    )


def _model_version(reader: CatalogueReader, asked: str) -> str:
    known = reader.model_versions()
    if not known:
        raise DependencyError("the catalogue knows no mood model yet", hint="run `tunekin setup` first")
    if asked and asked not in known:
        raise SettingsError(
            f"TUNEKIN_RANKER_MODEL_VERSION is {asked!r}, which the catalogue does not know",
            hint=f"it knows {', '.join(known)}",
        )
    # Clips bring the version that they were judged by; until the first one, songs that are asked for have this one's.
    return asked or max(known, key=lambda version: (known[version], version))


def _cache(process: Process, settings: RankerSettings, metrics: RankerMetrics) -> Cache:
    cache = read(CacheSettings)
    url = cache.url.get_secret_value()
    if not url:
        return MemoryCache(max_entries=settings.cache_entries)
    return process.closing.enter_context(
        contextlib.closing(
            RedisCache(url, ttl_s=cache.ttl_s, timeout_s=cache.timeout_s, failed=metrics.cache_failures.inc)
        )
    )


ROOTS = {
    "rank": Root(compose=_rank, settings=(RankerSettings, CatalogueSettings, CacheSettings)),
    "merge": Root(compose=_merge, settings=(MergeSettings, CatalogueSettings)),
}


def main() -> None:
    """Run a role of the ranker."""
    run("tunekin-ranker", ROOTS)


if __name__ == "__main__":
    main()
