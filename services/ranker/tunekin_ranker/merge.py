"""From what the shards of a catalogue found to one answer, as if they were one catalogue.

Each shard names its k best groups. A group among the k best of all is among the k best of the shard that holds its best
track, since whatever is better there is better everywhere; so the k best of what the shards name are the k best of all,
and proven where each shard's are. Versions of one recording in one shard are told by their sound there; those in
two shards by their names alone, such as an ISRC.
"""

from collections.abc import Collection, Hashable, Sequence

import msgspec

from tunekin.errors import EmptyCatalogueError
from tunekin.messages import Answer, Classified, ClipOptions, Known, Partial, Recording, Scored, SearchFacts
from tunekin_ranker.search import KBest

__all__ = ["is_complete", "merge", "question_of"]


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
        those of the song that it was found to be.
    """
    recognised = partial.known is not None and partial.known.identified is not None
    return partial.subject.clip_id, partial.subject.attempt, partial.shards, recognised


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


def merge(partials: Sequence[Partial]) -> Answer | Classified:
    """Make one answer of what shards answer to one question.

    Parameters
    ----------
    partials : sequence of Partial
        One or more. Of a shard that answered twice the later one counts.

    Returns
    -------
    Answer or Classified
        The answer, without a timeline. Where the clip is a track of the catalogue and nobody has looked for songs like
        that track yet: the question that all shards have to answer for it.

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
        # Now that the song is known, its own clean sound says better what is like it than a recording of a part.
        exclude = (*(known.exclude if known else ()), *(recording.match.track_id for recording in recordings))
        return msgspec.structs.replace(
            questions[0],
            subject=clip,
            views=recordings[0].views,
            known=Known(exclude=exclude, identified=recordings[0].match, search=facts),
        )
    matches, repeated = _best(by_shard.values(), options=clip.options)
    if repeated:
        # Instead of a version that another shard has too, its artist might have had a place by another song.
        facts = msgspec.structs.replace(facts, proven=False)
    return Answer(
        clip_id=clip.clip_id,
        clip_sha256=clip.sha256,
        key=clip.key,
        status="answered",
        mood=some.mood,
        identified=known.identified if known else None,
        matches=tuple(one.match for one in matches),
        search=facts if known is None or known.search is None else _both(known.search, facts),
        versions=msgspec.structs.replace(
            some.versions, catalogue=min(partial.versions.catalogue for partial in by_shard.values())
        ),
        attempt=clip.attempt,
    )


def _nearest(recording: Recording) -> tuple[float, str]:
    return recording.match.distance, recording.match.track_id


def _best(partials: Collection[Partial], *, options: ClipOptions) -> tuple[list[Scored], bool]:
    """Take the best groups of all; also say whether versions that different shards hold were left out."""
    found: dict[str, Scored] = {}
    best = KBest(max(sum(len(partial.matches) for partial in partials), 1))
    for partial in partials:
        for one in partial.matches:
            track_id = one.match.track_id
            found[track_id] = one
            alone = options.artists == "any" or one.group is None
            # A tuple, so that a track by itself never meets a group of the same name.
            best.offer(one.score, track_id, group=(track_id,) if alone else one.group)
    kept: list[Scored] = []
    heard: set[str] = set()
    repeated = False
    for _, track_id in best.ranked:
        one = found[track_id]
        if len(kept) == options.k:
            break
        if options.versions == "one" and heard.intersection(one.recordings):
            repeated = True
        else:
            kept.append(one)
            heard.update(one.recordings)
    return kept, repeated


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


def _both(own: SearchFacts, kin: SearchFacts) -> SearchFacts:
    """How the song was recognised, and then those like it were found."""
    return msgspec.structs.replace(
        own,
        compared_in_full=max(own.compared_in_full, kin.compared_in_full),
        proven=own.proven and kin.proven,
        shards_missing=max(own.shards_missing, kin.shards_missing),
    )
