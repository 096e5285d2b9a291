"""Key of a cached answer: everything that it depends on."""

import hashlib

import msgspec

from tunekin.messages import Classified
from tunekin_ranker.rank import clip_of
from tunekin_ranker.shard import WHOLE, Shard
from tunekin_ranker.snapshot import Snapshot

__all__ = ["cache_key"]


def cache_key(message: Classified, snapshot: Snapshot, *, shortlist_size: int, shard: Shard = WHOLE) -> str:
    """Name the answer to a clip.

    Two clips with one key have the same sound, options, versions and catalogue, and so the same answer but for their
    own names.

    Parameters
    ----------
    message : Classified
        The clip's frames and mood probabilities.
    snapshot : Snapshot
        The catalogue.
    shortlist_size : int
        Tracks that faiss proposes in the mode ``shortlist``.
    shard : Shard
        Part of the catalogue that the snapshot is; all of it by default.

    Returns
    -------
    str
        ``tunekin:answer:6:`` and a SHA-256.
    """
    clip = clip_of(message)
    depends_on = (
        clip.sha256,
        message.known,
        clip.options,
        clip.start_s,
        clip.duration_s,
        shortlist_size,
        message.feature_version,
        message.model_version,
        snapshot.catalogue_version,
        str(shard),
        # Of a song that another shard may hold, whose state of the catalogue may be another one.
        (message.views, message.probabilities) if message.known else None,
    )
    return f"tunekin:answer:6:{hashlib.sha256(msgspec.json.encode(depends_on)).hexdigest()}"
