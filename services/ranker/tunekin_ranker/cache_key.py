"""Key of a cached answer: everything that it depends on."""

import hashlib

import msgspec

from tunekin.messages import Classified, ClipSubject
from tunekin_ranker.snapshot import Snapshot

__all__ = ["cache_key"]


def cache_key(
    message: Classified, clip: ClipSubject, snapshot: Snapshot, *, shortlist_size: int, track_id: str | None = None
) -> str:
    """Name the answer to a clip.

    Two clips with one key have the same sound, options, versions and catalogue, and so the same answer but for their
    own names.

    Parameters
    ----------
    message : Classified
        The clip's frames and mood probabilities.
    clip : ClipSubject
        The clip.
    snapshot : Snapshot
        The catalogue.
    shortlist_size : int
        Tracks that faiss proposes in the mode ``shortlist``.
    track_id : str or None
        The track that takes the clip's place.

    Returns
    -------
    str
        ``tunekin:answer:3:`` and a SHA-256.
    """
    depends_on = (
        clip.sha256,
        track_id,
        clip.options,
        clip.start_s,
        clip.duration_s,
        shortlist_size,
        message.feature_version,
        message.model_version,
        snapshot.catalogue_version,
    )
    return f"tunekin:answer:3:{hashlib.sha256(msgspec.json.encode(depends_on)).hexdigest()}"
