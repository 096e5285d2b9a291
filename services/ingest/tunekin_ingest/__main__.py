"""``tunekin-ingest decode --lane LANE`` and ``tunekin-ingest write``: composition roots."""

import functools

from tunekin.catalogue.database import check_schema, opened
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.process import Process, Role, Root, run
from tunekin.process_settings import BlobSettings, CatalogueSettings
from tunekin.settings import read
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.service import decode_service, write_service
from tunekin_ingest.settings import IngestSettings

__all__ = ["ROOTS", "main"]


def _decode(process: Process) -> Role:
    settings = read(IngestSettings)
    decoder = process.closing.enter_context(SandboxedDecoder(settings.limits()))
    topic = process.of_lane(clips="clips", tracks="catalog.ingest")
    admit = functools.partial(process.blobs.check_room, limit_bytes=read(BlobSettings).limit_bytes)
    return Role(
        service=decode_service(decoder, topics=(topic,), admit=admit),
        fetch_limit_bytes=settings.max_bytes,
    )


def _write(process: Process) -> Role:
    engine = process.closing.enter_context(opened(read(CatalogueSettings).url.get_secret_value()))
    check_schema(engine)
    writer = CatalogueWriter(engine, clock=process.clock)
    return Role(service=write_service(writer, topics=("tracks.classified", "recommendations")))


ROOTS = {
    "decode": Root(compose=_decode, settings=(IngestSettings,), has_lanes=True),
    "write": Root(compose=_write, settings=(CatalogueSettings,)),
}


def main() -> None:
    """Run a role of ingest."""
    run("tunekin-ingest", ROOTS)


if __name__ == "__main__":
    main()
