"""From what the shards of a catalogue found to one answer, as if they were one catalogue.

Each shard names its k best groups. A group among the k best of all is among the k best of the shard that holds its best
track, since whatever is better there is better everywhere; so the k best of what the shards name are the k best of all,
and proven where each shard's are.

Each shard leaves versions of its own better matches out, and names them, since those may be left out themselves, for a
match of another shard for instance. The merge goes through all of them from the best on, and tells versions that
different shards hold by the same measure. Who takes the place of one that only the merge has left out, its shard has
not said: the question is asked again without it, unless the list is full before anything unsaid could stand in it.
"""

import functools
import math
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tunekin.errors import EmptyCatalogueError
from tunekin.features import FEATURES, FeatureVersion, views_from_bytes
from tunekin.messages import Answer, Classified, ClipOptions, Known, Match, Partial, Recording, Scored, SearchFacts
from tunekin_ranker.versions import Candidate, Heard

__all__ = ["Frames", "is_complete", "merge", "question_of"]

# Frames of a track by its id; none where they are not known.
Frames: TypeAlias = Callable[[str], NDArray[np.floating] | None]

_END = (math.inf, "")


def _unheard(_track_id: str) -> None:
    """Know no frames."""


def question_of(partial: Partial) -> Hashable:
    """Say which partial answers are to one question.

    Parameters
    ----------
    partial : Partial
        What a shard answers.

    Returns
    -------
    hashable
        Equal for what belongs together: answers of as many shards to one attempt at a clip, by its own views or by
        those of the song that it was found to be, and without the same tracks.
    """
    known = partial.known
    asked = None if known is None else (known.exclude, known.repeats, known.identified is None)
    return partial.subject.clip_id, partial.subject.attempt, partial.shards, asked


def is_complete(partials: Collection[Partial]) -> bool:
    """Say whether all shards have answered.

    Parameters
    ----------
    partials : collection of Partial
        To one question; a shard may have answered twice.

    Returns
    -------
    bool
        Whether none is missing.
    """
    return {partial.shard for partial in partials} == {
        number + 1 for partial in partials for number in range(partial.shards)
    }


def merge(
    partials: Sequence[Partial], *, frames: Frames = _unheard, version: FeatureVersion = FEATURES
) -> Answer | Classified:
    """Make one answer of what shards answer to one question.

    Parameters
    ----------
    partials : sequence of Partial
        One or more. Of a shard that answered twice the later one counts.
    frames : callable
        Gives the frames of a track by its id, None where there are none; asked for the few pairs of different shards
        whose views lie near each other. Without them, versions that two shards hold are told by their names alone.
    version : FeatureVersion
        Of the frames.

    Returns
    -------
    Answer or Classified
        The answer, without a timeline. Where the clip is a track of the catalogue and nobody has looked for songs like
        that track yet, or where other tracks may have the places of versions that different shards hold: the question
        that all shards have to answer for it.

    Raises
    ------
    EmptyCatalogueError
        The shards hold no tracks.
    """
    by_shard = {partial.shard: partial for partial in partials}
    some = partials[-1]
    if not any(partial.tracks for partial in by_shard.values()):
        msg = "the catalogue has no tracks"
        raise EmptyCatalogueError(msg, hint="add music first: tunekin catalog add FOLDER")
    clip, known = some.subject, some.known
    facts = _facts(by_shard.values(), missing=some.shards - len(by_shard))
    recordings = sorted((recording for partial in by_shard.values() for recording in partial.recordings), key=_nearest)
    questions = [partial.question for partial in by_shard.values() if partial.question is not None]
    if recordings and questions:
        # Now that the song is known, its own clean sound says better what mood it has, and what is like it, than a
        # recording of a part. A track that was asked for has its own mood already, whatever is recorded in it.
        asked = known.exclude if known else ()
        own = () if asked else recordings[0].probabilities
        return msgspec.structs.replace(
            questions[0],
            subject=clip,
            probabilities=own or questions[0].probabilities,
            views=recordings[0].views,
            known=Known(
                exclude=(*asked, *(recording.match.track_id for recording in recordings)),
                identified=recordings[0].match,
                search=facts,
            ),
        )
    facts = facts if known is None or known.search is None else _both(known.search, facts, known=known)
    before = dict(known.repeats) if known else {}
    matches, repeats = _best(by_shard.values(), clip.options, before=before, frames=frames, version=version)
    if repeats != before:
        if questions and not facts.shards_missing:
            return msgspec.structs.replace(
                questions[0],
                subject=clip,
                known=Known(
                    exclude=known.exclude if known else (),
                    identified=known.identified if known else None,
                    search=facts,
                    repeats=tuple(sorted(repeats.items())),
                ),
            )
        # Nobody waits for a shard that is missing twice; others' songs might have had the places of versions.
        facts = msgspec.structs.replace(facts, proven=False)
    return Answer(
        clip_id=clip.clip_id,
        clip_sha256=clip.sha256,
        key=clip.key,
        status="answered",
        mood=some.mood,
        identified=known.identified if known else None,
        matches=matches,
        search=facts,
        versions=msgspec.structs.replace(
            some.versions, catalogue=min(partial.versions.catalogue for partial in by_shard.values())
        ),
        attempt=clip.attempt,
    )


def _nearest(recording: Recording) -> tuple[float, str]:
    return recording.match.distance, recording.match.track_id


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Found(Candidate):
    """What a shard found, as the merge goes through it."""

    one: Scored
    shard: int

    @property
    def entry(self) -> tuple[float, str]:
        """Its place among all."""
        return self.one.score, self.one.match.track_id


def _best(
    partials: Collection[Partial],
    options: ClipOptions,
    *,
    before: Mapping[str, str],
    frames: Frames,
    version: FeatureVersion,
) -> tuple[tuple[Match, ...], dict[str, str]]:
    """Go through all that was found, and say which repeats have to be left out for others to take their places.

    1. A track has no place if its group has one, or if it is a version of a better match.
    2. In the place of a version that its shard has named as a match something may stand that the shard has not named:
       another track of its group, anywhere behind it; or one of another group, behind the last match of a full list.
    3. What was left out before stays out as long as the match does that it is a version of.
    """
    kept: dict[str, Match] = {}
    found: dict[str, str] = {}
    taken: set[Hashable] = set()
    heard = Heard(version=version)
    last, said_until = (-math.inf, ""), _END
    lasts = {one.shard: _last(one, k=options.k) for one in partials}
    for track in sorted(_all_found(partials, frames), key=lambda track: track.entry):
        if len(kept) == options.k:
            break
        # Step 1
        track_id, group = track.one.match.track_id, track.one.group if options.artists == "one" else None
        if track.one.version_of in kept or (group is not None and group in taken):
            continue
        place = heard.place_of(track) if options.versions == "one" else None
        if place is None:
            heard.add(track)
            kept[track_id] = track.one.match
            taken.add(group)
            last = track.entry
        elif track.one.version_of is None:
            # Step 2
            found[track_id] = list(kept)[place]
            said_until = min(said_until, lasts[track.shard] if group is None else track.entry)
    # Nothing can be missing, or nothing before the list is full.
    if said_until == _END or (len(kept) == options.k and last <= said_until):
        found = {}
    # Step 3
    return tuple(kept.values()), {one: better for one, better in before.items() if better in kept} | found


def _all_found(partials: Collection[Partial], frames: Frames) -> Iterator[_Found]:
    for partial in partials:
        for one in (*partial.matches, *partial.repeats):
            yield _Found(
                one=one,
                shard=partial.shard,
                frames=functools.partial(frames, one.match.track_id),
                recordings=frozenset(one.recordings),
                views=views_from_bytes(one.views) if one.views else None,
                # A shard has compared its matches with each other, not with what it left out.
                told_by=partial.shard if one.version_of is None else None,
            )


def _last(partial: Partial, *, k: int) -> tuple[float, str]:
    """Behind which place a shard may have more."""
    if len(partial.matches) < k:
        return _END
    return partial.matches[-1].score, partial.matches[-1].match.track_id


def _facts(partials: Collection[Partial], *, missing: int) -> SearchFacts:
    """How all of the shards searched together."""
    facts = [partial.search for partial in partials]
    return msgspec.structs.replace(
        facts[0],
        candidates=sum(one.candidates for one in facts),
        compared_in_full=sum(one.compared_in_full for one in facts),
        proven=all(one.proven for one in facts) and not missing,
        shards_missing=missing,
    )


def _both(own: SearchFacts, kin: SearchFacts, *, known: Known) -> SearchFacts:
    """How a clip was looked at first, and then again."""
    # The list keeps to the mood of the song, and the first look kept to what the clip seemed to be.
    elsewhere = own.scope == "mood" and known.identified is not None and not known.repeats
    counted = kin if elsewhere else own
    return msgspec.structs.replace(
        own,
        candidates=counted.candidates,
        compared_in_full=max(counted.compared_in_full, kin.compared_in_full),
        proven=own.proven and kin.proven,
        shards_missing=max(own.shards_missing, kin.shards_missing),
    )
