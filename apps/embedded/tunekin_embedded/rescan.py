"""What has become of the files that a catalogue was made of, and what to do about it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from tunekin.catalogue.records import Source
from tunekin.messages import Track
from tunekin_embedded.sound_files import changed_ms, content_sha256, track_id

__all__ = ["DISK", "Disk", "Files", "Plan", "named", "names_of", "plan"]

# Between the moment when a file was heard and that when its track was written, records may wait as long as topics keep
# them: a file that was changed since might look older than its track.
_MOST_UNDER_WAY_MS = 86_400_000


class Files(Protocol):
    """What has to be known of files."""

    def changed_ms(self, uri: str) -> float | None:
        """Say when a file was last changed.

        Parameters
        ----------
        uri : str
            Where it lies.

        Returns
        -------
        float or None
            Milliseconds since 1970; None where there is no file; infinity where nobody may look.
        """

    def sha256(self, uri: str) -> str | None:
        """Hash a file.

        Parameters
        ----------
        uri : str
            Where it lies.

        Returns
        -------
        str or None
            None where it can't be read.
        """


class Disk:
    """Files of this machine."""

    def changed_ms(self, uri: str) -> float | None:
        """Say when a file was last changed.

        Parameters
        ----------
        uri : str
            Where it lies.

        Returns
        -------
        float or None
            Milliseconds since 1970; None where there is no file; infinity where nobody may look.
        """
        return changed_ms(uri)

    def sha256(self, uri: str) -> str | None:
        """Hash a file.

        Parameters
        ----------
        uri : str
            Where it lies.

        Returns
        -------
        str or None
            None where it can't be read.
        """
        try:
            return content_sha256(uri)
        except OSError:
            return None


DISK = Disk()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do.

    Attributes
    ----------
    hear : list of Track
        Files that are new, or changed: under the ids of their tracks then.
    move : dict of str to str
        Where the file of a track lies now, by the track's id.
    gone : list of Source
        Tracks whose files are nowhere.
    same : int
        Files that are as they were.
    """

    hear: list[Track]
    move: dict[str, str]
    gone: list[Source]
    same: int


def plan(
    held: Iterable[Source],
    found: Iterable[Track],
    *,
    elsewhere: Callable[[], Iterable[Track]],
    files: Files = DISK,
    thorough: bool = False,
) -> Plan:
    """Compare tracks with files.

    1. Of each track's file see whether it is there, and whether it changed. Its bytes are compared where it may have
       changed since it was heard, by its times.
    2. Look for what is not there among files that are no track's, by their bytes.
    3. All other files that are no track's are new.

    Parameters
    ----------
    held : iterable of Source
        Tracks to look at; those whose files are not of this machine are passed over.
    found : iterable of Track
        Files to look at.
    elsewhere : callable
        Gives files among which moved ones may be; asked where a file is missing.
    files : Files
        What is known of files.
    thorough : bool
        Whether to compare the bytes of every file.

    Returns
    -------
    Plan
        What to do.
    """
    hear: list[Track] = []
    move: dict[str, str] = {}
    # Step 1
    tracks = {source.source_uri: source for source in held if urlsplit(source.source_uri).scheme == "file"}
    missing: dict[str, Source] = {}
    for uri, source in tracks.items():
        when_ms = files.changed_ms(uri)
        untouched = when_ms is not None and not thorough and when_ms < source.updated_ms - _MOST_UNDER_WAY_MS
        if when_ms is None:
            missing[source.track_id] = source
        elif not untouched and files.sha256(uri) != source.content_sha256:
            hear.append(Track(track_id=source.track_id, source_uri=uri))
    same = len(tracks) - len(missing) - len(hear)
    # Step 2
    wanted: dict[str, list[str]] = {}
    for source in missing.values():
        wanted.setdefault(source.content_sha256, []).append(source.track_id)
    taken: set[str] = set()
    for track in elsewhere() if missing else ():
        if track.source_uri in tracks or track.source_uri in taken:
            continue
        if track_ids := wanted.get(files.sha256(track.source_uri) or ""):
            move[track_ids.pop()] = track.source_uri
            taken.add(track.source_uri)
    # Step 3
    hear += [track for track in found if track.source_uri not in tracks and track.source_uri not in taken]
    gone = [source for source in missing.values() if source.track_id not in move]
    return Plan(hear=hear, move=move, gone=gone, same=same)


def names_of(sources: Iterable[Source]) -> dict[str, str]:
    """Say which files are not called as their places say, since they were moved, or published by others.

    Parameters
    ----------
    sources : iterable of Source
        All tracks of a catalogue.

    Returns
    -------
    dict of str to str
        Track id by URI.
    """
    return {source.source_uri: source.track_id for source in sources if source.track_id != track_id(source.source_uri)}


def named(track: Track, names: Mapping[str, str], taken: set[str]) -> Track:
    """Give a file the id that its track has in the catalogue.

    Parameters
    ----------
    track : Track
        A file, called as its place says.
    names : mapping of str to str
        See `names_of`.
    taken : set of str
        Ids that are taken by files of other places.

    Returns
    -------
    Track
        The same, perhaps under another id: the place where a moved file lay may have another one by now.
    """
    if track.source_uri in names:
        return msgspec.structs.replace(track, track_id=names[track.source_uri])
    name, again = track.track_id, 1
    while name in taken:
        again += 1
        name = track_id(f"{track.source_uri}#{again}")
    return msgspec.structs.replace(track, track_id=name)
