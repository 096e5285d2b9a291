"""What the pages ask of the catalogue: moods, their songs, search, one song, its sound file, the map."""

import random
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

from tunekin.catalogue.records import Mood
from tunekin.catalogue.tastes import Opinion, Verdict
from tunekin.catalogue.titles import TitleSearch
from tunekin.errors import NotFoundError
from tunekin.features import FEATURES
from tunekin.messages import Track
from tunekin_embedded.sound_files import local_path
from tunekin_web import chart
from tunekin_web.backend import Backend
from tunekin_web.problems import MissingError

__all__ = ["MEDIA_TYPES", "Collection", "Order"]

Order: TypeAlias = Literal["typical", "surprise"]

# What browsers play, more or less; any other file is not handed out, whatever a catalogue says.
MEDIA_TYPES = {
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "audio/webm",
}
# Songs of a mood among which a surprise is drawn.
_MOST_OF_A_MOOD = 100_000


class Collection:
    """A catalogue as visitors see it; may be used from any thread.

    Parameters
    ----------
    backend : Backend
        Catalogue and model.
    playback : bool
        Whether sound files are handed out.

    Attributes
    ----------
    titles : TitleSearch
        Finds songs by name.
    """

    def __init__(self, backend: Backend, *, playback: bool) -> None:
        self._backend = backend
        self._reader = backend.reader
        self._playback = playback
        self._sounds = backend.sounds if playback else None
        self.titles = TitleSearch(backend.reader)
        self._drawing = Lock()
        self._chart: tuple[int, chart.Chart] | None = None

    def moods(self) -> list[dict[str, Any]]:
        """List the moods.

        Returns
        -------
        list of dict
            Number, label and description in both languages, and how many songs.
        """
        return [_mood(mood) for mood in self._reader.moods(self._backend.model_version())]

    def mood(self, mood: int) -> dict[str, Any]:
        """Look a mood up.

        Parameters
        ----------
        mood : int
            Its number.

        Returns
        -------
        dict
            As `moods` lists it.

        Raises
        ------
        NotFoundError
            There is no such mood.
        """
        for known in self.moods():
            if known["id"] == mood:
                return known
        raise NotFoundError(f"there is no mood {mood}", hint="GET /api/v1/moods lists them")

    def songs_of_mood(self, mood: int, *, order: Order, limit: int, seed: int) -> list[dict[str, Any]]:
        """List songs of a mood.

        Parameters
        ----------
        mood : int
            Its number.
        order : {'typical', 'surprise'}
            Most typical first; or drawn by lot, where each song has the same chance, be it new, unknown or a hit.
        limit : int
            Most songs.
        seed : int
            Fixes what is drawn.

        Returns
        -------
        list of dict
            Each with the mood's probability.

        Raises
        ------
        NotFoundError
            There is no such mood.
        """
        version = self._backend.model_version()
        self.mood(mood)
        most = limit if order == "typical" else _MOST_OF_A_MOOD
        found = self._reader.tracks_of_mood(version, mood, limit=most)
        if order == "surprise":
            # By lot among songs, not for secrets.
            found = random.Random(seed).sample(found, min(limit, len(found)))  # noqa: S311
        return [self._song(row.track) | {"probability": row.probability} for row in found]

    def search(self, text: str, *, limit: int) -> list[dict[str, Any]]:
        """Find songs by name.

        Parameters
        ----------
        text : str
            Part of a title, artist or album, perhaps misspelt.
        limit : int
            Most songs.

        Returns
        -------
        list of dict
            Best first, each with a score.
        """
        return [self._song(found.track) | {"score": found.score} for found in self.titles.search(text, limit=limit)]

    def song(self, track_id: str) -> dict[str, Any]:
        """Look a song up.

        Parameters
        ----------
        track_id : str
            Its id.

        Returns
        -------
        dict
            What is known of it, but not where its file lies.
        """
        return self._song(self._track(track_id))

    def songs(self, track_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Look songs up.

        Parameters
        ----------
        track_ids : sequence of str
            Their ids.

        Returns
        -------
        list of dict
            In the same order, without those that are gone.
        """
        tracks = self._reader.tracks(track_ids)
        return [self._song(tracks[track_id]) for track_id in track_ids if track_id in tracks]

    def taste(self, opinions: Sequence[Opinion]) -> dict[str, list[dict[str, Any]]]:
        """Look the songs of a taste up.

        Parameters
        ----------
        opinions : sequence of Opinion
            What somebody thinks of songs.

        Returns
        -------
        dict
            ``likes`` and ``dislikes``: songs in the order of the opinions, each with the time of the opinion, without
            those that are gone.
        """
        songs = {song["track_id"]: song for song in self.songs([one.track_id for one in opinions])}

        def some(verdict: Verdict) -> list[dict[str, Any]]:
            return [
                songs[one.track_id] | {"at_ms": one.at_ms}
                for one in opinions
                if one.verdict == verdict and one.track_id in songs
            ]

        return {"likes": some("like"), "dislikes": some("dislike")}

    def sound(self, track_id: str) -> tuple[Path, str]:
        """Say where a song's sound file is.

        Parameters
        ----------
        track_id : str
            Its id; that is all that a visitor chooses, so no path of theirs is ever opened.

        Returns
        -------
        tuple of (pathlib.Path, str)
            File and media type.

        Raises
        ------
        MissingError
            It can't be played here.
        """
        track = self._track(track_id)
        if self._sounds is not None and self._sounds.has(track):
            return self._sounds.file(track)
        path = self.local_file(track)
        if path is None:
            raise MissingError("this song can't be played here", hint="its file is elsewhere, or playback is off")
        return path, MEDIA_TYPES[path.suffix.lower()]

    def remove(self, track_id: str) -> int | None:
        """Take a song out of the catalogue; its file stays.

        Parameters
        ----------
        track_id : str
            Its id.

        Returns
        -------
        int or None
            A version of the catalogue without it; None where it is on its way out.
        """
        self._track(track_id)
        return self._backend.remove(track_id)

    def chart(self) -> dict[str, Any]:
        """Draw the map, or take the one drawn before.

        Returns
        -------
        dict
            Songs with their places, and how many the catalogue has.
        """
        with self._drawing:
            version = self._reader.version()
            if self._chart is None or self._chart[0] != version:
                summaries = self._reader.summaries(FEATURES.name, summary_size=FEATURES.summary_size)
                model = self._backend.model_version()
                moods = {
                    row.track.track_id: mood.id
                    for mood in self._reader.moods(model)
                    for row in self._reader.tracks_of_mood(model, mood.id, limit=_MOST_OF_A_MOOD)
                }
                self._chart = version, chart.draw(summaries, moods)
            return {"songs": self._chart[1].songs, "of": self._chart[1].of}

    def facts(self) -> dict[str, Any]:
        """Say what there is.

        Returns
        -------
        dict
            How many songs, and the catalogue's version.
        """
        return {"tracks": self._reader.count(), "catalogue": self._reader.version()}

    def _track(self, track_id: str) -> Track:
        track = self._reader.track(track_id)
        if track is None:
            raise NotFoundError(f"the catalogue holds no track {track_id!r}", hint="GET /api/v1/search finds tracks")
        return track

    def _song(self, track: Track) -> dict[str, Any]:
        return {
            "track_id": track.track_id,
            "title": track.title,
            "artist": track.artist,
            "album": track.album,
            "duration_s": track.duration_s,
            "isrc": track.isrc,
            "musicbrainz_id": track.musicbrainz_id,
            "year": track.year,
            "tags": list(track.tags),
            "playable": self.playable(track),
        }

    def playable(self, track: Track) -> bool:
        """Say whether a song is played here.

        Parameters
        ----------
        track : Track
            The song.

        Returns
        -------
        bool
            Whether `sound` has it; a server that it would come from is not asked.
        """
        return (self._sounds is not None and self._sounds.has(track)) or self.local_file(track) is not None

    def local_file(self, track: Track) -> Path | None:
        """Say where a song's sound file is, where it lies here and may be played.

        Parameters
        ----------
        track : Track
            The song.

        Returns
        -------
        pathlib.Path or None
            None where it may not.
        """
        if not self._playback or not track.source_uri.startswith("file:///"):
            return None
        path = local_path(track.source_uri)
        return path if path.suffix.lower() in MEDIA_TYPES and path.is_file() else None


def _mood(mood: Mood) -> dict[str, Any]:
    return {
        "id": mood.id,
        "label": {"ko": mood.label.ko, "en": mood.label.en},
        "description": {"ko": mood.description.ko, "en": mood.description.en},
        "tracks": mood.tracks,
    }
