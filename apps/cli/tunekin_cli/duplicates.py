"""``tunekin catalog duplicates``: songs that the catalogue holds more than once."""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from tunekin.catalogue.reader import CatalogueReader
from tunekin.features import FEATURES
from tunekin.messages import Track
from tunekin_cli.context import Context
from tunekin_cli.json_output import print_json
from tunekin_cli.tracks_lanes import opened
from tunekin_embedded.sound_files import shown

__all__ = ["Group", "found", "later_ones", "run"]

# Frames of whole songs that are held at a time: 100 kB each.
_HELD = 512


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tracks that are one recording.

    Attributes
    ----------
    tracks : list of Track
        By id.
    same : {'bytes', 'sound'}
        Whether all files are the same to the byte, or some in their sound only.
    """

    tracks: list[Track]
    same: Literal["bytes", "sound"]


def run(context: Context, *, kafka: bool, as_json: bool) -> None:
    """List groups of songs that are one recording; nothing is changed.

    Parameters
    ----------
    context : Context
        Folder and settings.
    kafka : bool
        Whether the catalogue is that of a distributed Tunekin.
    as_json : bool
        Whether to print JSON.
    """
    with opened(context, kafka=kafka, quiet=lambda _words: None) as lane:
        listed = found(lane.reader)
    if as_json:
        print_json([{"same": group.same, "tracks": [_document(track) for track in group.tracks]} for group in listed])
        return
    console = Console()
    for number, group in enumerate(listed, start=1):
        console.print(Text.assemble((f"{number}", "bold"), f"  the same in {_WORDS[group.same]}"))
        for track in group.tracks:
            name = f"{track.title or 'unknown'} by {track.artist or 'unknown'}"
            line = Text.assemble(f"   {name}  ", (shown(track.source_uri), "dim"), f"  {track.track_id}")
            console.print(line, soft_wrap=True)
    console.print(f"{len(listed)} groups; `tunekin catalog remove ID` takes a song out", style="dim", highlight=False)


_WORDS = {"bytes": "every byte", "sound": "sound"}


def found(reader: CatalogueReader, *, of: Collection[str] | None = None) -> list[Group]:
    """Find songs that are one recording.

    Parameters
    ----------
    reader : CatalogueReader
        The catalogue.
    of : collection of str, optional
        Ids of tracks whose duplicates are wanted; all by default.

    Returns
    -------
    list of Group
        Each of two tracks and more.
    """
    from tunekin_ranker.duplicates import groups  # noqa: PLC0415 -- Numba and faiss, which would slow every other command

    pairs = [*_alike_in_bytes(reader, of), *_alike_in_sound(reader, of)]
    together = groups(pairs)
    tracks = reader.tracks(track_id for group in together for track_id in group)
    return [_group([tracks[track_id] for track_id in group if track_id in tracks]) for group in together]


def _group(tracks: list[Track]) -> Group:
    contents = {track.content_sha256 for track in tracks}
    return Group(tracks=tracks, same="bytes" if len(contents) == 1 and contents != {""} else "sound")


def _alike_in_bytes(reader: CatalogueReader, of: Collection[str] | None) -> Iterator[tuple[str, str]]:
    by_content: dict[str, list[str]] = defaultdict(list)
    for source in reader.sources():
        if source.content_sha256:
            by_content[source.content_sha256].append(source.track_id)
    for same in by_content.values():
        if of is None or not set(same).isdisjoint(of):
            yield from pairwise(same)


def _alike_in_sound(reader: CatalogueReader, of: Collection[str] | None) -> Iterator[tuple[str, str]]:
    from tunekin_ranker.duplicates import alike_in_sound, near_pairs  # noqa: PLC0415 -- see above

    track_ids, views = reader.views(FEATURES.name)
    if not track_ids:
        return
    rows = None if of is None else {row for row, track_id in enumerate(track_ids) if track_id in of}

    @functools.lru_cache(maxsize=_HELD)
    def row_of(track_id: str) -> tuple[float, NDArray[np.floating]]:
        (row,) = reader.index_rows([track_id], feature_version=FEATURES.name, model_version="")
        return row.track.duration_s, row.frames

    yield from alike_in_sound(
        ((track_ids[one], track_ids[other]) for one, other in near_pairs(views, of=rows)),
        length_s=lambda track_id: row_of(track_id)[0],
        frames=lambda track_id: row_of(track_id)[1],
    )


def later_ones(listed: Sequence[Group], *, new: Collection[str]) -> list[Track]:
    """Choose the new songs of groups that something else stands for.

    Parameters
    ----------
    listed : sequence of Group
        Groups.
    new : collection of str
        Ids of songs that were just added.

    Returns
    -------
    list of Track
        The new ones of each group; all but the first where there are no others.
    """
    chosen: list[Track] = []
    for group in listed:
        ours = [track for track in group.tracks if track.track_id in new]
        chosen += ours if len(ours) < len(group.tracks) else ours[1:]
    return chosen


def _document(track: Track) -> dict[str, object]:
    return {
        "track_id": track.track_id,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "duration_s": track.duration_s,
        "source_uri": track.source_uri,
    }
