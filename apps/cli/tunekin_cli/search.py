"""``tunekin search``: songs of the catalogue by what they are called."""

import msgspec

from tunekin.catalogue.titles import TitleSearch
from tunekin_cli import render
from tunekin_cli.context import Context
from tunekin_cli.json_output import print_json
from tunekin_embedded.parts import Parts

__all__ = ["run"]


def run(context: Context, text: str, *, k: int, as_json: bool) -> None:
    """Print the songs that somebody means.

    Parameters
    ----------
    context : Context
        Folder and settings.
    text : str
        Part of a title, artist or album.
    k : int
        Most songs.
    as_json : bool
        Whether to print JSON.
    """
    with Parts(context.home, settings=context.settings) as parts:
        found = TitleSearch(parts.reader).search(text, limit=k)
    if as_json:
        print_json([msgspec.to_builtins(song.track) | {"score": song.score} for song in found])
    else:
        render.show_found(found)
