"""From a classified clip and a snapshot of the catalogue to an answer.

A `look` searches one shard of the catalogue; `tunekin_ranker.merge` makes an answer of what all shards found, or asks
again by the song that the clip turned out to be. `rank` does both over the whole catalogue.
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray

from tunekin.errors import MessageError, OptionError
from tunekin.features import FeatureVersion, frames_from_bytes, views_from_bytes, views_to_bytes
from tunekin.messages import (
    Answer,
    Classified,
    ClipSubject,
    Known,
    Label,
    Match,
    MoodAnswer,
    MoodShare,
    Partial,
    Recording,
    Scored,
    SearchFacts,
    Versioning,
    Versions,
)
from tunekin_ranker import kin
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip
from tunekin_ranker.filter import passing
from tunekin_ranker.floors import KeptFloors
from tunekin_ranker.identify import identity_distance
from tunekin_ranker.merge import merge
from tunekin_ranker.reasons import reasons
from tunekin_ranker.representative import representative_span
from tunekin_ranker.search import Hit, Scoring, SearchResult, search
from tunekin_ranker.shard import WHOLE, Shard
from tunekin_ranker.similarity import similarity
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.taste import Song, Taste
from tunekin_ranker.versions import Candidate, Heard
from tunekin_ranker.words import LEAST_STRANGENESS, strangeness, word_shares

__all__ = ["AMBIGUOUS_MARGIN", "asked_songs", "clip_of", "look", "mood_answer", "rank"]

# Two moods closer than this are both worth saying: the model's own error is of that size.
AMBIGUOUS_MARGIN = 0.15
# A longer query is compared by a representative part.
_LONGEST_CLIP_S = 60.0
_REPRESENTATIVE_S = 15.0
_NO_SONGS: Mapping[str, Song] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What every match of one search is described by."""

    snapshot: Snapshot
    distances: dict[str, NDArray[np.float64]]
    sound: Scoring
    strange: float
    clip_span_s: tuple[float, float]
    version: FeatureVersion


def rank(find: Callable[[Classified], Partial], message: Classified) -> Answer:
    """Find the tracks most like a clip; where it is a track that is known, that track's mood and those most like it.

    Parameters
    ----------
    find : callable
        Makes a `look` at the whole catalogue.
    message : Classified
        The clip's frames and mood probabilities.

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
    outcome = merge([find(message)])
    while isinstance(outcome, Classified):
        outcome = merge([find(outcome)])
    return outcome


def look(
    message: Classified,
    snapshot: Snapshot,
    *,
    version: FeatureVersion,
    shortlist_size: int,
    shard: Shard = WHOLE,
    songs: Mapping[str, Song] = _NO_SONGS,
    brute: bool = False,
    kept: KeptFloors | None = None,
    crew: Crew | None = None,
) -> Partial:
    """Find the tracks of one shard that are the clip's very recording, and those that are most like it.

    1. Refuse what the shard's part of the catalogue can't answer.
    2. Take the part of the clip that is compared.
    3. Weigh how far the views of every track are apart from the clip's, and what the listener likes.
    4. Search, without versions of one recording.
    5. Describe what was found.

    Parameters
    ----------
    message : Classified
        The clip's frames and mood probabilities.
    snapshot : Snapshot
        The shard's part of the catalogue.
    version : FeatureVersion
        Of the frames.
    shortlist_size : int
        Tracks that faiss proposes in the mode ``shortlist``.
    shard : Shard
        Which part of the catalogue this is; all of it by default.
    songs : mapping of str to Song
        Those of `asked_songs` that other shards hold, by id; the others change nothing.
    brute : bool
        Whether to compare every candidate exactly, whatever mode is asked for.
    kept : KeptFloors, optional
        What looks at the same clip have found out already; what is found is the same.
    crew : Crew, optional
        Threads to share the work; only this one by default.

    Returns
    -------
    Partial
        What `tunekin_ranker.merge.merge` makes an answer of.

    Raises
    ------
    MessageError
        The clip was featurized or classified by other versions than the catalogue.
    OptionError
        A mood is asked for that there is not.
    """
    clip = clip_of(message)
    options, known = clip.options, message.known or Known(exclude=())
    # Step 1
    _check_versions(message, snapshot)
    _check_moods(options.filters.moods, snapshot)
    # Step 2
    frames = frames_from_bytes(message.frames, n_mfcc=version.n_mfcc)
    first, stop = _compared_part(frames, version)
    query = Clip(frames[first:stop])
    begin_s = clip.start_s + first * version.frame_s
    end_s = min(clip.start_s + stop * version.frame_s, clip.start_s + clip.duration_s)
    # Step 3
    strange = max(strangeness(query.frames), LEAST_STRANGENESS)
    weights = kin.balanced(dict(options.weights))
    # Views of no tracks have no size.
    tracks = snapshot.index.views if len(snapshot.index) else np.empty((0, version.views_size), np.float32)
    distances = kin.apart(views_from_bytes(message.views), tracks, version=version)
    sound = kin.scoring(distances, weights, strangeness=strange)
    songs = {**songs, **snapshot.songs(asked_songs(message))}
    taste = Taste.of(options, songs, version=version)
    # Step 4
    mood = mood_answer(message.probabilities, snapshot.moods)
    find = functools.partial(
        search,
        snapshot.index,
        query,
        k=options.k,
        scoring=replace(sound, offsets=sound.offsets + taste.shifts(snapshot.index, crew=crew)) if taste else sound,
        mode="brute" if brute else options.mode,
        shortlist_size=shortlist_size,
        grouping="group" if options.artists == "one" else "track",
        allowed=passing(snapshot.index, options.filters, moods=None if options.scope == "all" else _wanted(mood)),
        # Who is known already need not be recognised again.
        identity_distance=None if known.identified else identity_distance(strange),
        kept=kept or KeptFloors(),
        crew=crew,
    )
    result, repeats = _without_repeats(
        find,
        snapshot,
        exclude=(*known.exclude, *(track_id for track_id, _ in known.repeats)),
        unwanted=taste.dislikes,
        heard=[songs[track_id] for track_id in (*known.exclude, *taste.dislikes) if track_id in songs],
        versions=options.versions,
        version=version,
    )
    # Step 5
    described = _Look(
        snapshot=snapshot,
        distances=distances,
        sound=sound,
        strange=strange,
        clip_span_s=(begin_s, end_s),
        version=version,
    )
    recordings = tuple(
        Recording(
            # What a recording is does not depend on taste.
            match=_match(hit, described, taste=None),
            views=views_to_bytes(snapshot.index.track_at(_slot(hit, snapshot)).views),
            probabilities=tuple(snapshot.infos[hit.track_id].probabilities.tolist()),
        )
        for hit in result.identical
    )
    return Partial(
        subject=clip,
        shard=shard.number,
        shards=shard.count,
        tracks=len(snapshot.index),
        mood=mood,
        recordings=recordings,
        matches=tuple(_scored(hit, described, taste=taste) for hit in result.hits),
        repeats=tuple(_scored(hit, described, taste=taste, version_of=better) for hit, better in repeats.values()),
        search=SearchFacts(
            mode=options.mode,
            scope=options.scope,
            candidates=result.candidates,
            compared_in_full=result.compared_in_full,
            proven=result.proven,
        ),
        versions=Versions(
            features=snapshot.feature_version,
            model=snapshot.model_version,
            catalogue=snapshot.catalogue_version,
        ),
        # Undivided, nothing but a song that was recognised is a reason to ask again. Nobody needs the summary for that.
        question=msgspec.structs.replace(message, summary=()) if recordings or shard.count > 1 else None,
        known=message.known,
        trace=message.trace,
    )


def asked_songs(message: Classified) -> tuple[str, ...]:
    """Name the songs whose sound matters to a question, wherever they are held.

    Parameters
    ----------
    message : Classified
        The question.

    Returns
    -------
    tuple of str
        Ids of what is liked, disliked and known already.
    """
    options = clip_of(message).options
    return (*options.likes, *options.dislikes, *(message.known.exclude if message.known else ()))


def clip_of(message: Classified) -> ClipSubject:
    """Say which clip a message is about.

    Parameters
    ----------
    message : Classified
        Of a clip: the topic of classified clips holds nothing else.

    Returns
    -------
    ClipSubject
        The clip.

    Raises
    ------
    TypeError
        It is about a track, which is a defect.
    """
    if isinstance(message.subject, ClipSubject):
        return message.subject
    msg = f"a track on its way to the ranker: {message.subject.track.track_id}"
    raise TypeError(msg)


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
    sent = (message.feature_version, message.model_version)
    held = (snapshot.feature_version, snapshot.model_version)
    if sent != held:
        msg = f"the clip has features {sent[0]!r} and moods {sent[1]!r}, the catalogue {held[0]!r} and {held[1]!r}"
        raise MessageError(msg, hint="bring the catalogue to the workers' versions, to a model by tunekin reclassify")
    if len(message.probabilities) != len(snapshot.moods):
        msg = f"the clip has {len(message.probabilities)} mood probabilities, the catalogue {len(snapshot.moods)} moods"
        raise MessageError(msg, hint="workers and catalogue have to be of the same model")


def _check_moods(wanted: tuple[int, ...], snapshot: Snapshot) -> None:
    if wanted and max(wanted) >= len(snapshot.moods):
        raise OptionError(
            f"there is no mood {max(wanted)}",
            hint=f"moods have the numbers 0 to {len(snapshot.moods) - 1}: tunekin moods",
        )


def _without_repeats(
    find: Callable[..., SearchResult],
    snapshot: Snapshot,
    *,
    exclude: tuple[str, ...],
    unwanted: Collection[str],
    heard: Sequence[Candidate],
    versions: Versioning,
    version: FeatureVersion,
) -> tuple[SearchResult, dict[str, tuple[Hit, str]]]:
    """Search until no hit is a version of a better one, or of a song that is heard already.

    What was left out for a hit, which may have to be left out itself, is told with that hit: the merge knows which of
    them stay. What was left out for a song that is heard already stays out.
    """
    unwanted = tuple(unwanted)
    first = result = find(exclude=exclude, unwanted=unwanted)
    gone: tuple[str, ...] = ()
    repeats: dict[str, tuple[Hit, str]] = {}
    # Where the clip is a song of the catalogue, songs like that one are asked for next.
    while versions == "one" and not result.identical:
        before, kept = Heard(heard, version=version), [""] * len(heard)
        found: dict[str, tuple[Hit, str]] = {}
        songs = snapshot.songs(hit.track_id for hit in result.hits)
        for hit in result.hits:
            place = before.place_of(songs[hit.track_id])
            if place is None:
                before.add(songs[hit.track_id])
                kept.append(hit.track_id)
            else:
                found[hit.track_id] = hit, kept[place]
        if not found:
            break
        gone += tuple(found)
        repeats |= {track_id: one for track_id, one in found.items() if one[1]}
        result = find(exclude=(*exclude, *gone), unwanted=unwanted)
    facts = replace(
        result,
        candidates=first.candidates,
        compared_in_full=max(first.compared_in_full, result.compared_in_full),
    )
    return facts, repeats


def _compared_part(frames: NDArray[np.float16], version: FeatureVersion) -> tuple[int, int]:
    """First frame and stop of the part of a clip that is compared."""
    if len(frames) * version.frame_s <= _LONGEST_CLIP_S:
        return 0, len(frames)
    return representative_span(word_shares(frames), length=round(_REPRESENTATIVE_S / version.frame_s))


def _wanted(mood: MoodAnswer) -> tuple[int, ...]:
    if mood.ambiguous and mood.runner_up is not None:
        return mood.id, mood.runner_up.id
    return (mood.id,)


def _scored(hit: Hit, of: _Look, *, taste: Taste, version_of: str | None = None) -> Scored:
    slot = _slot(hit, of.snapshot)
    song = of.snapshot.songs([hit.track_id])[hit.track_id]
    return Scored(
        match=_match(hit, of, taste=taste),
        score=hit.score,
        group=of.snapshot.index.groups[slot],
        recordings=tuple(sorted(song.recordings)),
        views=views_to_bytes(song.views),
        version_of=version_of,
    )


def _slot(hit: Hit, snapshot: Snapshot) -> int:
    slot = snapshot.index.slot_of(hit.track_id)
    if slot is None:
        msg = f"a hit is not in its own snapshot: {hit.track_id}"
        raise LookupError(msg)
    return slot


def _match(hit: Hit, of: _Look, *, taste: Taste | None) -> Match:
    info, slot, frame_s = of.snapshot.infos[hit.track_id], _slot(hit, of.snapshot), of.version.frame_s
    track = of.snapshot.index.track_at(slot)
    # What a listener likes makes no song more like a clip.
    [score] = of.sound.scores(np.array([slot]), np.array([hit.distance]))
    # The last frame may reach past the end of the sound by a fraction of a frame.
    end_s = min(hit.stop * frame_s, info.duration_s) if info.duration_s else hit.stop * frame_s
    views = {name: float(distances[slot]) for name, distances in of.distances.items()}
    views[kin.MOMENT] = hit.distance / of.strange
    return Match(
        track_id=hit.track_id,
        title=info.title,
        artist=info.artist,
        album=info.album,
        mood=track.mood,
        distance=hit.distance,
        similarity=round(similarity(float(score)), 4),
        clip_span_s=(round(of.clip_span_s[0], 3), round(of.clip_span_s[1], 3)),
        track_span_s=(round(hit.start * frame_s, 3), round(end_s, 3)),
        why=reasons(views, liked=None if taste is None else taste.near(hit.track_id, track.views)),
    )
