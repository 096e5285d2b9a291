"""From a track of the catalogue to what a clip of it would be."""

import math

import msgspec

from tunekin.errors import NotFoundError, OptionError
from tunekin.features import FeatureVersion, frames_to_bytes, views_to_bytes
from tunekin.messages import Classified, ClipOptions, Known, TrackSelected
from tunekin_ranker.representative import representative_span
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.words import word_shares

__all__ = ["recall"]

# As long as the part that stands for a long recording.
_TYPICAL_S = 15.0


def recall(message: TrackSelected, snapshot: Snapshot, *, version: FeatureVersion) -> Classified:
    """Put a track's own frames and mood where those of a clip would be.

    Parameters
    ----------
    message : TrackSelected
        Which track, and which span of it; without one the 15 s that are most typical of it.
    snapshot : Snapshot
        The catalogue.
    version : FeatureVersion
        Of the frames.

    Returns
    -------
    Classified
        Its subject says which span was taken.

    Raises
    ------
    NotFoundError
        The catalogue does not hold the track, or has no mood of it yet.
    OptionError
        The span lies outside of the track.
    """
    slot = snapshot.index.slot_of(message.track_id)
    if slot is None:
        msg = f"the catalogue has no track {message.track_id[:80]!r}"
        raise NotFoundError(msg, hint="name one by its id, as `tunekin catalog list --json` shows it")
    probabilities = snapshot.infos[message.track_id].probabilities
    if not len(probabilities):
        msg = f"the track {message.track_id!r} has no mood by the model {snapshot.model_version!r} yet"
        raise NotFoundError(msg, hint="have it judged: tunekin reclassify")
    track = snapshot.index.track_at(slot)
    frames = track.frames
    options = message.subject.options
    if options.start_s is None and options.duration_s is None:
        first, stop = representative_span(word_shares(frames), length=round(_TYPICAL_S / version.frame_s))
    else:
        first, stop = _span(options, count=len(frames), frame_s=version.frame_s)
    return Classified(
        subject=msgspec.structs.replace(
            message.subject, start_s=first * version.frame_s, duration_s=(stop - first) * version.frame_s
        ),
        feature_version=snapshot.feature_version,
        frames=frames_to_bytes(frames[first:stop]),
        # The mood is known, and nothing else asks for a summary after the classifier.
        summary=(),
        # Of the whole song, whichever part of it is to be aligned.
        views=views_to_bytes(track.views),
        model_version=snapshot.model_version,
        probabilities=tuple(probabilities.tolist()),
        trace=message.trace,
        known=Known(exclude=(message.track_id,)),
    )


def _span(options: ClipOptions, *, count: int, frame_s: float) -> tuple[int, int]:
    """First frame and stop of the span that is asked for."""
    first = math.floor((options.start_s or 0.0) / frame_s)
    if first >= count:
        msg = f"the span begins at {options.start_s:g} s; the track has {count * frame_s:.1f} s"
        raise OptionError(msg, hint="choose a part of the track")
    if options.duration_s is None:
        return first, count
    return first, min(first + max(math.ceil(options.duration_s / frame_s), 1), count)
