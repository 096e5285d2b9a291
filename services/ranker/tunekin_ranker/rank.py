"""From a classified clip and a snapshot of the catalogue to an answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import EmptyCatalogueError, MessageError
from tunekin.features import FeatureVersion, frames_from_bytes, views_from_bytes
from tunekin.messages import (
    Answer,
    Classified,
    ClipOptions,
    ClipSubject,
    Label,
    Match,
    MoodAnswer,
    MoodShare,
    SearchFacts,
    Versions,
)
from tunekin_ranker import kin
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip
from tunekin_ranker.identify import identity_distance
from tunekin_ranker.reasons import reasons
from tunekin_ranker.representative import representative_span
from tunekin_ranker.search import Hit, SearchResult, search
from tunekin_ranker.similarity import similarity
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.words import strangeness, word_shares

__all__ = ["AMBIGUOUS_MARGIN", "mood_answer", "rank"]

# Two moods closer than this are both worth saying: the model's own error is of that size.
AMBIGUOUS_MARGIN = 0.15
# A longer query is compared by a representative part.
_LONGEST_CLIP_S = 60.0
_REPRESENTATIVE_S = 15.0
# Frames that all are words themselves, such as those of silence, are still compared with something.
_LEAST_STRANGENESS = 0.1


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What a search found, and how far all tracks are in each view."""

    result: SearchResult
    distances: dict[str, NDArray[np.float64]]


def rank(
    message: Classified,
    clip: ClipSubject,
    snapshot: Snapshot,
    *,
    version: FeatureVersion,
    shortlist_size: int,
    without: str | None = None,
    brute: bool = False,
    crew: Crew | None = None,
) -> Answer:
    """Find the tracks most like a clip.

    Parameters
    ----------
    message : Classified
        The clip's frames and mood probabilities.
    clip : ClipSubject
        The clip.
    snapshot : Snapshot
        The catalogue.
    version : FeatureVersion
        Of the frames.
    shortlist_size : int
        Tracks that faiss proposes in the mode ``shortlist``.
    without : str or None
        Track that takes no part.
    brute : bool
        Whether to compare every candidate exactly, whatever mode is asked for.
    crew : Crew, optional
        Threads to share the work; only this one by default.

    Returns
    -------
    Answer
        Without a timeline.

    Raises
    ------
    EmptyCatalogueError
        There is nothing to recommend.
    MessageError
        The clip was featurized or classified by other versions than the catalogue.
    """
    _check_versions(message, snapshot)
    options = clip.options
    mood = mood_answer(message.probabilities, snapshot.moods)
    frames = frames_from_bytes(message.frames, n_mfcc=version.n_mfcc)
    first, stop = _compared_part(frames, version)
    allowed = _allowed(snapshot, mood, options, without=without)
    query = Clip(frames[first:stop])
    strange = max(strangeness(query.frames), _LEAST_STRANGENESS)
    weights = kin.balanced(dict(options.weights))

    def look(views: NDArray[np.floating], *, identity: float | None, exclude: tuple[str, ...]) -> _Found:
        distances = kin.apart(views, snapshot.index.views, version=version)
        result = search(
            snapshot.index,
            query,
            k=options.k,
            scoring=kin.scoring(distances, weights, strangeness=strange),
            mode="brute" if brute else options.mode,
            shortlist_size=shortlist_size,
            grouping="group" if options.artists == "one" else "track",
            allowed=allowed,
            exclude=exclude,
            identity_distance=identity,
            crew=crew,
        )
        return _Found(result=result, distances=distances)

    found = look(views_from_bytes(message.views), identity=identity_distance(strange), exclude=())
    recordings = found.result.identical
    own = found
    if recordings:
        # Now that the song is known, its own clean sound says better what is like it than a recording of a part.
        slot = snapshot.index.slot_of(recordings[0].track_id)
        if slot is not None:
            found = look(snapshot.index.views[slot], identity=None, exclude=tuple(hit.track_id for hit in recordings))
    begin_s = clip.start_s + first * version.frame_s
    clip_span_s = (begin_s, min(clip.start_s + stop * version.frame_s, clip.start_s + clip.duration_s))

    def match(hit: Hit, of: _Found) -> Match:
        return _match(hit, snapshot, of=of, strange=strange, clip_span_s=clip_span_s, version=version)

    return Answer(
        clip_id=clip.clip_id,
        clip_sha256=clip.sha256,
        key=clip.key,
        status="answered",
        mood=mood,
        identified=match(recordings[0], own) if recordings else None,
        matches=tuple(match(hit, found) for hit in found.result.hits),
        search=SearchFacts(
            mode=options.mode,
            scope=options.scope,
            candidates=own.result.candidates,
            compared_in_full=max(own.result.compared_in_full, found.result.compared_in_full),
            proven=own.result.proven and found.result.proven,
        ),
        versions=Versions(
            features=snapshot.feature_version,
            model=snapshot.model_version,
            catalogue=snapshot.catalogue_version,
        ),
        attempt=clip.attempt,
    )


def mood_answer(probabilities: tuple[float, ...], moods: tuple[Label, ...]) -> MoodAnswer:
    """Say the mood that a model's probabilities mean.

    Parameters
    ----------
    probabilities : tuple of float
        Probability of each mood, by number.
    moods : tuple of Label
        Words for each, by number.

    Returns
    -------
    MoodAnswer
        The most probable mood and its runner-up; of equal ones the smaller number.

    Examples
    --------
    >>> words = (Label(ko="춤", en="dancing"), Label(ko="비", en="rain"))
    >>> answer = mood_answer((0.45, 0.55), words)
    >>> answer.label.en, answer.runner_up.label.en, answer.ambiguous
    ('rain', 'dancing', True)
    """
    order = sorted(range(len(probabilities)), key=lambda mood: -probabilities[mood])
    best = order[0]
    second = order[1] if len(order) > 1 else None
    return MoodAnswer(
        id=best,
        label=moods[best],
        probability=probabilities[best],
        runner_up=None
        if second is None
        else MoodShare(id=second, label=moods[second], probability=probabilities[second]),
        ambiguous=second is not None and probabilities[best] - probabilities[second] < AMBIGUOUS_MARGIN,
    )


def _check_versions(message: Classified, snapshot: Snapshot) -> None:
    if len(snapshot.index) == 0:
        msg = "the catalogue has no tracks"
        raise EmptyCatalogueError(msg, hint="add music first: tunekin catalog add FOLDER")
    sent = (message.feature_version, message.model_version)
    held = (snapshot.feature_version, snapshot.model_version)
    if sent != held:
        msg = f"the clip has features {sent[0]!r} and moods {sent[1]!r}, the catalogue {held[0]!r} and {held[1]!r}"
        raise MessageError(msg, hint="bring the catalogue to the workers' versions, to a model by tunekin reclassify")
    if len(message.probabilities) != len(snapshot.moods):
        msg = f"the clip has {len(message.probabilities)} mood probabilities, the catalogue {len(snapshot.moods)} moods"
        raise MessageError(msg, hint="workers and catalogue have to be of the same model")


def _compared_part(frames: NDArray[np.float16], version: FeatureVersion) -> tuple[int, int]:
    """First frame and stop of the part of a clip that is compared."""
    if len(frames) * version.frame_s <= _LONGEST_CLIP_S:
        return 0, len(frames)
    return representative_span(word_shares(frames), length=round(_REPRESENTATIVE_S / version.frame_s))


def _allowed(
    snapshot: Snapshot, mood: MoodAnswer, options: ClipOptions, *, without: str | None
) -> NDArray[np.bool_] | None:
    """Slots that may take part; None means all."""
    allowed = None if options.scope == "all" else _of_mood(snapshot, mood)
    slot = None if without is None else snapshot.index.slot_of(without)
    if slot is not None:
        allowed = np.ones(snapshot.index.slots, np.bool_) if allowed is None else allowed
        allowed[slot] = False
    return allowed


def _of_mood(snapshot: Snapshot, mood: MoodAnswer) -> NDArray[np.bool_]:
    wanted = [mood.id]
    if mood.ambiguous and mood.runner_up is not None:
        wanted.append(mood.runner_up.id)
    return np.isin(snapshot.index.moods, wanted)


def _match(
    hit: Hit,
    snapshot: Snapshot,
    *,
    of: "_Found",
    strange: float,
    clip_span_s: tuple[float, float],
    version: FeatureVersion,
) -> Match:
    info = snapshot.infos[hit.track_id]
    slot = snapshot.index.slot_of(hit.track_id)
    if slot is None:
        msg = f"a hit is not in its own snapshot: {hit.track_id}"
        raise LookupError(msg)
    # The last frame may reach past the end of the sound by a fraction of a frame.
    end_s = min(hit.stop * version.frame_s, info.duration_s) if info.duration_s else hit.stop * version.frame_s
    views = {name: float(distances[slot]) for name, distances in of.distances.items()}
    views[kin.MOMENT] = hit.distance / strange
    return Match(
        track_id=hit.track_id,
        title=info.title,
        artist=info.artist,
        album=info.album,
        mood=snapshot.index.track_at(slot).mood,
        distance=hit.distance,
        similarity=round(similarity(hit.score), 4),
        clip_span_s=(round(clip_span_s[0], 3), round(clip_span_s[1], 3)),
        track_span_s=(round(hit.start * version.frame_s, 3), round(end_s, 3)),
        why=reasons(views),
    )
