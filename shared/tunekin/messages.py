"""What travels between the services, as typed, frozen structs.

Public messages are for everybody: `ClipSubmitted`, `TrackQuery`, `TrackSubmitted`, `TrackWithdrawn`, `Answer`,
`TrackOutcome`, `CatalogueChange`.
Their bytes follow CloudEvents 1.0 in Kafka's binary content mode, see `tunekin.codec`.

Internal messages are for Tunekin's own workers: `Audio`, `Features`, `Classified`, `Withdrawal`, `TrackSelected`,
`Partial`. They are versioned msgpack. Both lanes share them; ``subject`` says whether a clip or a track is on its way.

Evolution is additive: a new field needs a default, so that what an older worker wrote stays readable. What can't be
added this way raises the number in `INTERNAL_VERSIONS`, and a worker that doesn't know a version waits.

Conventions: times of day are milliseconds since 1970 (UTC), durations carry their unit in the name, hashes are
lower-case hexadecimal SHA-256.
"""

from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "INTERNAL_VERSIONS",
    "Answer",
    "Artists",
    "Audio",
    "Bounds",
    "CatalogueChange",
    "Classified",
    "ClipOptions",
    "ClipSubject",
    "ClipSubmitted",
    "Features",
    "Filters",
    "Known",
    "Label",
    "Match",
    "Message",
    "MoodAnswer",
    "MoodShare",
    "Outcome",
    "Partial",
    "Problem",
    "Recording",
    "Scored",
    "SearchFacts",
    "Stage",
    "StageTime",
    "Subject",
    "Trace",
    "Track",
    "TrackOutcome",
    "TrackQuery",
    "TrackSelected",
    "TrackSubject",
    "TrackSubmitted",
    "TrackWithdrawn",
    "Versioning",
    "Versions",
    "Why",
    "Withdrawal",
]

Scope: TypeAlias = Literal["all", "mood"]
Mode: TypeAlias = Literal["shortlist", "certified"]
Artists: TypeAlias = Literal["one", "any"]
Versioning: TypeAlias = Literal["one", "any"]
Stage: TypeAlias = Literal["featurizer", "classifier", "writer"]
# The least and the greatest that pass; an unset end is open.
Bounds: TypeAlias = tuple[float | None, float | None]


class _Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every message: immutable, by keyword."""


# --- parts -----------------------------------------------------------------------------------------------------------


class StageTime(_Struct, frozen=True):
    """When a stage worked on a message.

    Attributes
    ----------
    stage : str
        Role of the worker.
    started_ms : float
        Time of day.
    took_ms : float
        Duration of the handler.
    """

    stage: str
    started_ms: float
    took_ms: float


class Trace(_Struct, frozen=True):
    """Where a message comes from and which way it went.

    Attributes
    ----------
    traceparent : str
        W3C trace context; empty where nobody traces.
    published_ms : float
        Time of day at which the clip or track was published.
    stages : tuple of StageTime
        Stages so far, in order.
    """

    traceparent: str = ""
    published_ms: float = 0.0
    stages: tuple[StageTime, ...] = ()

    def timeline(self) -> dict[str, float]:
        """Milliseconds by stage; ``waiting`` is the time between stages and ``total`` all of it.

        Returns
        -------
        dict of str to float
            Empty before the first stage.
        """
        if not self.stages:
            return {}
        by_stage: dict[str, float] = {}
        for stage in self.stages:
            by_stage[stage.stage] = round(by_stage.get(stage.stage, 0.0) + stage.took_ms, 3)
        last = self.stages[-1]
        total_ms = last.started_ms + last.took_ms - self.published_ms
        waiting_ms = total_ms - sum(stage.took_ms for stage in self.stages)
        return by_stage | {"waiting": round(max(waiting_ms, 0.0), 3), "total": round(max(total_ms, 0.0), 3)}


class Problem(_Struct, frozen=True):
    """Why something failed.

    Attributes
    ----------
    code : str
        Stable name of the error, see `tunekin.errors`.
    message : str
        What was wrong, with the offending value.
    hint : str
        What would be right; may be empty.
    """

    code: str
    message: str
    hint: str = ""


class Filters(_Struct, frozen=True):
    """Which songs may be matches; a song has to pass all that are set. What is unknown of a song passes none.

    Attributes
    ----------
    moods : tuple of int
        Numbers of moods, one of which it has; any where empty.
    tempo_bpm : tuple of (float or None, float or None) or None
        Bounds of its tempo, in beats a minute.
    years : tuple of (float or None, float or None) or None
        Bounds of the year that it is from.
    tags : tuple of str
        Tags, one of which it has, whatever the case; any where empty.
    """

    moods: tuple[int, ...] = ()
    tempo_bpm: Bounds | None = None
    years: Bounds | None = None
    tags: tuple[str, ...] = ()


class ClipOptions(_Struct, frozen=True):
    """What a listener may ask for.

    Attributes
    ----------
    k : int
        Matches wanted, 1 to 100.
    scope : {'all', 'mood'}
        The whole catalogue, or tracks of the clip's mood (and its runner-up where the mood is ambiguous); where the
        clip is a recording of the catalogue, of that recording's mood.
    mode : {'certified', 'shortlist'}
        Whether the answer is proven to be what comparing every track would give, or faiss's proposal decides.
    artists : {'one', 'any'}
        Whether an artist has at most one place among the matches.
    versions : {'one', 'any'}
        Whether versions of one recording share one place.
    start_s, duration_s : float or None
        Part of the sound that is meant; unset means all of it.
    weights : tuple of (str, float)
        What to multiply the weight of a view by, as ``("rhythm", 2.0)``; 1 for views that are not named.
    filters : Filters
        Which songs may be matches; all by default. What the clip itself is does not depend on it.
    likes, dislikes : tuple of str
        Ids of tracks that the listener likes, and dislikes. What is near to the former comes sooner, what is near to
        the latter later, and the latter themselves do not come at all. Ids that the catalogue does not hold change
        nothing.
    """

    k: int = 5
    scope: Scope = "all"
    mode: Mode = "certified"
    start_s: float | None = None
    duration_s: float | None = None
    weights: tuple[tuple[str, float], ...] = ()
    artists: Artists = "one"
    filters: Filters = Filters()
    likes: tuple[str, ...] = ()
    dislikes: tuple[str, ...] = ()
    versions: Versioning = "one"


class Track(_Struct, frozen=True):
    """A song of the catalogue.

    Attributes
    ----------
    track_id : str
        Name of the track in this catalogue.
    title, artist, album : str
        Empty where unknown.
    duration_s : float
        Length of the decoded sound; 0 before it is decoded.
    isrc, musicbrainz_id : str
        Empty where unknown.
    source_uri : str
        Where the sound file lies.
    content_sha256 : str
        Hash of the sound file's bytes.
    year : int
        Year that it is from; 0 where unknown.
    tags : tuple of str
        Genres, and whatever else it is tagged with.
    """

    track_id: str
    title: str = ""
    artist: str = ""
    album: str = ""
    duration_s: float = 0.0
    isrc: str = ""
    musicbrainz_id: str = ""
    source_uri: str = ""
    content_sha256: str = ""
    year: int = 0
    tags: tuple[str, ...] = ()


class ClipSubject(_Struct, frozen=True, tag="clip"):
    """The clip that a message is about.

    Attributes
    ----------
    clip_id : str
        Name of the event: its CloudEvents source and id, joined by ``#``.
    key : str
        Key of the clip's record, and of its outcome's.
    sha256 : str
        Hash of the encoded sound.
    options : ClipOptions
        What was asked for.
    start_s, duration_s : float
        Span of the sound sent that was analysed; 0 before it is decoded.
    attempt : int
        1, and one more for each replay.
    """

    clip_id: str
    key: str
    sha256: str = ""
    options: ClipOptions = ClipOptions()
    start_s: float = 0.0
    duration_s: float = 0.0
    attempt: int = 1


class TrackSubject(_Struct, frozen=True, tag="track"):
    """The track that a message is about.

    Attributes
    ----------
    track : Track
        What is known of it so far.
    attempt : int
        1, and one more for each replay.
    """

    track: Track
    attempt: int = 1


Subject: TypeAlias = ClipSubject | TrackSubject


# --- public messages in ----------------------------------------------------------------------------------------------


class ClipSubmitted(_Struct, frozen=True):
    """Somebody published a clip.

    Attributes
    ----------
    subject : ClipSubject
        Its name and options.
    data : bytes
        The encoded sound file.
    trace : Trace
        Where it comes from.
    """

    subject: ClipSubject
    data: bytes
    trace: Trace = Trace()


class TrackQuery(_Struct, frozen=True):
    """Somebody asks for songs like a song of the catalogue, which needs no sound.

    Attributes
    ----------
    subject : ClipSubject
        Its name and options; ``start_s`` and ``duration_s`` of the options are a span of the track, by default the most
        typical part.
    track_id : str
        The track.
    trace : Trace
        Where it comes from.
    """

    subject: ClipSubject
    track_id: str
    trace: Trace = Trace()


class TrackSubmitted(_Struct, frozen=True):
    """Somebody published a song for the catalogue.

    Attributes
    ----------
    subject : TrackSubject
        Its name and tags.
    data : bytes
        The encoded sound file.
    trace : Trace
        Where it comes from.
    """

    subject: TrackSubject
    data: bytes
    trace: Trace = Trace()


class TrackWithdrawn(_Struct, frozen=True):
    """Somebody wants a song to leave the catalogue.

    Attributes
    ----------
    subject : TrackSubject
        Its name; nothing else of it is needed.
    trace : Trace
        Where it comes from.
    """

    subject: TrackSubject
    trace: Trace = Trace()


# --- internal messages -----------------------------------------------------------------------------------------------


class Audio(_Struct, frozen=True):
    """Decoded sound: mono, at the feature version's sample rate.

    Attributes
    ----------
    subject : Subject
        The clip or track.
    pcm : bytes
        Samples as little-endian int16.
    sample_rate_hz : int
        Their rate.
    trace : Trace
        The way so far.
    """

    subject: Subject
    pcm: bytes
    sample_rate_hz: int
    trace: Trace = Trace()


class Features(_Struct, frozen=True):
    """What the featurizer heard.

    Attributes
    ----------
    subject : Subject
        The clip or track.
    feature_version : str
        Name of the feature version.
    frames : bytes
        Frames, packed by `tunekin.features.frames_to_bytes`.
    summary : tuple of float
        Summary vector, in the order of the version's ``summary_names``.
    views : bytes
        Views, packed by `tunekin.features.views_to_bytes`; empty in messages of version 1.
    trace : Trace
        The way so far.
    """

    subject: Subject
    feature_version: str
    frames: bytes
    summary: tuple[float, ...]
    trace: Trace = Trace()
    views: bytes = b""


class Classified(_Struct, frozen=True):
    """Features with the mood that the classifier gave them.

    Attributes
    ----------
    subject : Subject
        The clip or track.
    feature_version : str
        Name of the feature version.
    frames : bytes
        As in `Features`.
    summary : tuple of float
        As in `Features`.
    views : bytes
        As in `Features`.
    model_version : str
        Name of the mood model.
    probabilities : tuple of float
        Probability of each mood, by its number.
    trace : Trace
        The way so far.
    known : Known or None
        Set where something is known already. Where that is the song itself, ``views`` are those of the song.
    """

    subject: Subject
    feature_version: str
    frames: bytes
    summary: tuple[float, ...]
    model_version: str
    probabilities: tuple[float, ...]
    trace: Trace = Trace()
    views: bytes = b""
    known: "Known | None" = None


class Withdrawal(_Struct, frozen=True):
    """A track on its way out of the catalogue.

    It goes through every stage of the tracks' lane, so that it overtakes nothing that was published of the track
    before.

    Attributes
    ----------
    subject : TrackSubject
        The track.
    before : {'featurizer', 'classifier', 'writer'}
        Stage that it comes to next.
    trace : Trace
        The way so far.
    """

    subject: TrackSubject
    before: Stage
    trace: Trace = Trace()


class TrackSelected(_Struct, frozen=True):
    """A track of the catalogue takes the place of a clip: its features and mood are there already.

    Attributes
    ----------
    subject : ClipSubject
        As in `TrackQuery`.
    track_id : str
        The track.
    trace : Trace
        The way so far.
    """

    subject: ClipSubject
    track_id: str
    trace: Trace = Trace()


class Known(_Struct, frozen=True):
    """What is known already of a clip and of its matches, when it is looked at again.

    Attributes
    ----------
    exclude : tuple of str
        Tracks that take no place among the matches: the song itself, in all its recordings.
    identified : Match or None
        The very recording; unset where a track was asked for, and not recognised.
    search : SearchFacts or None
        How it was recognised, or what was found before repeats were to be left out.
    repeats : tuple of (str, str)
        Tracks that take no place either, and the better match of another shard that each is a version of.
    """

    exclude: tuple[str, ...]
    identified: "Match | None" = None
    search: "SearchFacts | None" = None
    repeats: tuple[tuple[str, str], ...] = ()


class Recording(_Struct, frozen=True):
    """A track that is the very recording that a clip is of.

    Attributes
    ----------
    match : Match
        The track.
    views : bytes
        Its views, packed by `tunekin.features.views_to_bytes`.
    probabilities : tuple of float
        Of each mood, by number, for the whole track; empty in messages of earlier rankers.
    """

    match: "Match"
    views: bytes
    probabilities: tuple[float, ...] = ()


class Scored(_Struct, frozen=True):
    """A match with what decides its place among those of other shards.

    Attributes
    ----------
    match : Match
        The match.
    score : float
        The less the better; of equal ones the smaller track id comes first.
    group : str or None
        Tracks of one group share one place; unset shares with nobody.
    recordings : tuple of str
        Names of the recording; tracks that have one in common are versions of it.
    views : bytes
        Its views, packed by `tunekin.features.views_to_bytes`.
    version_of : str or None
        A better track of its shard that it is a version of; of one in repeats only.
    """

    match: "Match"
    score: float
    group: str | None
    recordings: tuple[str, ...] = ()
    views: bytes = b""
    version_of: str | None = None


class Partial(_Struct, frozen=True):
    """What one shard of the catalogue answers to a clip.

    Attributes
    ----------
    subject : ClipSubject
        The clip.
    shard, shards : int
        Which one, from 1 on, of how many.
    tracks : int
        Tracks that the shard holds.
    mood : MoodAnswer
        The mood of what was asked for; the same from every shard.
    recordings : tuple of Recording
        All tracks of the shard that are the very recording, the nearest first.
    matches : tuple of Scored
        The best of the shard, best first; none is a version of another.
    search : SearchFacts
        How they were found.
    versions : Versions
        What the shard's answer depends on.
    question : Classified or None
        What was answered, where it may have to be asked again.
    known : Known or None
        As in what was answered.
    trace : Trace
        The way so far.
    repeats : tuple of Scored
        What was left out as a version of a better one, which may have been left out as well.
    """

    subject: ClipSubject
    shard: int
    shards: int
    tracks: int
    mood: "MoodAnswer"
    recordings: tuple[Recording, ...]
    matches: tuple[Scored, ...]
    search: "SearchFacts"
    versions: "Versions"
    question: Classified | None = None
    known: Known | None = None
    trace: Trace = Trace()
    repeats: tuple[Scored, ...] = ()


# --- public messages out ---------------------------------------------------------------------------------------------


class Label(_Struct, frozen=True):
    """Words for a mood, in Korean and English."""

    ko: str
    en: str


class MoodShare(_Struct, frozen=True):
    """A mood and how probable it is."""

    id: int
    label: Label
    probability: float


class MoodAnswer(_Struct, frozen=True):
    """The mood of a clip.

    Attributes
    ----------
    id : int
        Number of the mood in its model.
    label : Label
        Its words.
    probability : float
        Of the model, 0 to 1.
    runner_up : MoodShare or None
        The second most probable mood.
    ambiguous : bool
        Whether the two are so close that both should be taken seriously.
    """

    id: int
    label: Label
    probability: float
    runner_up: MoodShare | None = None
    ambiguous: bool = False


class Why(_Struct, frozen=True):
    """What speaks for a match: a view of the sound, and how alike the two are in it, or a song that the listener likes.

    Attributes
    ----------
    view : str
        Name of the view, as in a clip's ``weights``; or ``liked`` for a song that the listener likes, which is near.
    similarity : float
        Share of all pairs of songs that are less alike in it, 0 to 1.
    label : Label or None
        The view in words.
    """

    view: str
    similarity: float
    label: Label | None = None


class Match(_Struct, frozen=True):
    """A track in an answer.

    Attributes
    ----------
    track_id, title, artist, album : str
        The track.
    mood : int or None
        Number of the track's mood.
    distance : float
        Subsequence DTW distance, 0 and up.
    similarity : float
        0 to 1, see `tunekin_ranker.similarity`.
    clip_span_s, track_span_s : tuple of (float, float)
        The spans that were aligned: start and end in seconds.
    why : tuple of Why
        What speaks for it.
    """

    track_id: str
    title: str
    artist: str
    album: str
    mood: int | None
    distance: float
    similarity: float
    clip_span_s: tuple[float, float]
    track_span_s: tuple[float, float]
    why: tuple[Why, ...] = ()


class SearchFacts(_Struct, frozen=True):
    """How the matches were found.

    Attributes
    ----------
    mode : {'certified', 'shortlist'}
        The search that was asked for.
    scope : {'all', 'mood'}
        The part of the catalogue that was asked for.
    candidates : int
        Tracks that were allowed to match.
    compared_in_full : int
        Of these, those whose whole alignment was computed; bounds ruled the others out, or nobody proposed them.
    proven : bool
        Whether comparing every track would give the same matches, and the same recording.
    shards_missing : int
        Parts of a divided catalogue that did not answer in time: their songs took no part, and nothing is proven.
    """

    mode: Mode
    scope: Scope
    candidates: int
    compared_in_full: int
    proven: bool
    shards_missing: int = 0


class Versions(_Struct, frozen=True):
    """What an answer depends on: feature version, mood model and catalogue version."""

    features: str
    model: str
    catalogue: int


class Answer(_Struct, frozen=True):
    """The outcome of a clip: an answer, or a failure with its reason.

    Attributes
    ----------
    clip_id : str
        Name of the clip's event.
    clip_sha256 : str
        Hash of the encoded sound; empty where it could not be read.
    status : {'answered', 'failed'}
        Which of the two it is.
    error : Problem or None
        Set for a failure.
    mood : MoodAnswer or None
        That of the very recording where it is identified, else what the clip sounds like. Unset for a failure.
    identified : Match or None
        The match that is this very recording, where there is one.
    matches : tuple of Match
        Best first.
    search : SearchFacts or None
        Unset for a failure.
    timeline : dict of str to float
        Milliseconds by stage.
    versions : Versions or None
        Unset for a failure.
    attempt : int
        1, and one more for each replay; the highest attempt stands.
    """

    clip_id: str
    status: Literal["answered", "failed"]
    clip_sha256: str = ""
    error: Problem | None = None
    mood: MoodAnswer | None = None
    identified: Match | None = None
    matches: tuple[Match, ...] = ()
    search: SearchFacts | None = None
    timeline: dict[str, float] = {}
    versions: Versions | None = None
    attempt: int = 1
    # Key of the outcome's record; not part of the JSON, the record carries it.
    key: str = ""


class TrackOutcome(_Struct, frozen=True):
    """The outcome of a track that was published for the catalogue, or withdrawn from it.

    Attributes
    ----------
    track_id : str
        The track.
    source_uri : str
        Where its sound file lies.
    status : {'added', 'updated', 'unchanged', 'removed', 'absent', 'failed'}
        What came of it; ``unchanged`` where the catalogue holds the very same file already, ``absent`` where it
        does not hold a track that was withdrawn.
    error : Problem or None
        Set for a failure.
    catalogue_version : int or None
        Version of the catalogue from which on it is so; set where it was added, updated or removed.
    attempt : int
        1, and one more for each replay.
    """

    track_id: str
    source_uri: str
    status: Literal["added", "updated", "unchanged", "removed", "absent", "failed"]
    error: Problem | None = None
    catalogue_version: int | None = None
    attempt: int = 1


class CatalogueChange(_Struct, frozen=True):
    """Something in the catalogue changed; rankers read what it is from the catalogue.

    Attributes
    ----------
    track_id : str
        The track.
    change : {'upserted', 'removed'}
        What happened to it.
    catalogue_version : int
        Version of the catalogue from which on it is so.
    """

    track_id: str
    change: Literal["upserted", "removed"]
    catalogue_version: int


InternalMessage: TypeAlias = Audio | Features | Classified | Withdrawal | TrackSelected | Partial
Outcome: TypeAlias = Answer | TrackOutcome
Submission: TypeAlias = ClipSubmitted | TrackQuery | TrackSubmitted | TrackWithdrawn
Message: TypeAlias = Submission | InternalMessage | Outcome | CatalogueChange

# The version of each internal message that this code writes, and the newest that it reads.
INTERNAL_VERSIONS: dict[type[InternalMessage], int] = {
    Audio: 2,
    Features: 2,
    Classified: 3,
    Withdrawal: 1,
    TrackSelected: 2,
    Partial: 1,
}
