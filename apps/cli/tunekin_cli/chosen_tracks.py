"""Which songs of the catalogue a command means."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunekin.blobs import is_within
from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import NotFoundError
from tunekin.messages import Track

__all__ = ["Chosen", "all_tracks"]

_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which songs are meant; what is unset leaves none out, and all that is set has to hold.

    Attributes
    ----------
    track_ids : tuple of str
        Ids.
    places : tuple of str
        Files, folders or URIs: songs whose files lie at or below one of them.
    title, artist, album : str or None
        What songs are called; upper and lower case are the same.
    """

    track_ids: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    title: str | None = None
    artist: str | None = None
    album: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing was said that leaves a song out."""
        return self == Chosen()

    def of(self, reader: CatalogueReader) -> list[Track]:
        """Choose.

        Parameters
        ----------
        reader : CatalogueReader
            The catalogue.

        Returns
        -------
        list of Track
            By artist and title, or in the order of the ids.

        Raises
        ------
        NotFoundError
            The catalogue does not hold one of the ids.
        """
        return list(filter(self._holds, self._named(reader) if self.track_ids else all_tracks(reader)))

    def _named(self, reader: CatalogueReader) -> list[Track]:
        found = reader.tracks(self.track_ids)
        missing = [track_id for track_id in dict.fromkeys(self.track_ids) if track_id not in found]
        if missing:
            raise NotFoundError(
                f"the catalogue holds no track {', '.join(missing)}",
                hint="`tunekin catalog list` and `tunekin search` show ids",
            )
        return [found[track_id] for track_id in dict.fromkeys(self.track_ids)]

    def _holds(self, track: Track) -> bool:
        called = ((self.title, track.title), (self.artist, track.artist), (self.album, track.album))
        return all(wanted is None or _plain(wanted) == _plain(said) for wanted, said in called) and (
            not self.places or any(is_within(track.source_uri, uri) for uri in map(_uri, self.places))
        )


def all_tracks(reader: CatalogueReader) -> Iterator[Track]:
    """Read all tracks, a page at a time.

    Parameters
    ----------
    reader : CatalogueReader
        The catalogue.

    Yields
    ------
    Track
        By artist, then title, then id.
    """
    page: Sequence[Track] = reader.list_tracks(limit=_PAGE, after=None)
    while page:
        yield from page
        page = reader.list_tracks(limit=_PAGE, after=page[-1])


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _uri(place: str) -> str:
    return place if "://" in place else Path(place).expanduser().absolute().as_uri()
