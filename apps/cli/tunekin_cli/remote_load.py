"""What is published of a sound file, for the workers of a distributed Tunekin to hear."""

import time
from pathlib import Path

import msgspec

from tunekin import codec
from tunekin.blobs import is_within
from tunekin.messages import Trace, Track, TrackOutcome, TrackSubject, TrackSubmitted
from tunekin.ports import BlobStore, ClaimCheck, Record
from tunekin.topics import INLINE_LIMIT_BYTES
from tunekin_cli.servers import Servers
from tunekin_embedded.sound_files import Fetched, content_sha256, local_path, unreadable

__all__ = ["Publisher"]


class Publisher:
    """Makes the records of tracks that the catalogue does not hold.

    A file below one of the prefixes that workers may read is named to them; any other is sent, through the blob store
    where it is large.

    Parameters
    ----------
    servers : Servers
        Blob store.
    known : dict of str to str
        Track ids by the hash of files that need not be sent; grows by those that are.
    """

    def __init__(self, servers: Servers, known: dict[str, str]) -> None:
        self._readable = servers.blobs.readable
        self._blobs: BlobStore = servers.blob_store()
        self._known = known

    def record(self, item: Track | Fetched | TrackOutcome) -> Record | TrackOutcome:
        """Make what is sent of a track.

        Parameters
        ----------
        item : Track, Fetched or TrackOutcome
            With an id and the URI of its sound file, other fields where known; or with a file that was fetched, which
            is removed then; or what came of it already.

        Returns
        -------
        Record or TrackOutcome
            Its outcome where there is nothing to wait for.

        Raises
        ------
        DependencyError
            The blob store can't be written.
        """
        if isinstance(item, TrackOutcome):
            return item
        track = item.track if isinstance(item, Fetched) else item
        try:
            sha256 = item.sha256 if isinstance(item, Fetched) else content_sha256(track.source_uri)
            if sha256 in self._known:
                return TrackOutcome(track_id=track.track_id, source_uri=track.source_uri, status="unchanged")
            path = item.path if isinstance(item, Fetched) else local_path(track.source_uri)
            record = self._record(track, path, sha256)
        except OSError as error:
            return unreadable(track, error)
        finally:
            if isinstance(item, Fetched):
                item.release()
        self._known[sha256] = track.track_id
        return record

    def _record(self, track: Track, path: Path, sha256: str) -> Record:
        message = TrackSubmitted(
            subject=TrackSubject(track=track), data=b"", trace=Trace(published_ms=time.time() * 1000)
        )
        if any(is_within(track.source_uri, prefix) for prefix in self._readable):
            return codec.with_claim(codec.encode(message), ClaimCheck(uri=track.source_uri, sha256=sha256))
        data = path.read_bytes()
        if len(data) <= INLINE_LIMIT_BYTES:
            return codec.encode(msgspec.structs.replace(message, data=data))
        return codec.with_claim(codec.encode(message), self._blobs.put(data))
