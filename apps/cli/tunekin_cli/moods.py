"""``tunekin moods`` and ``tunekin mood``: songs by mood, with no recording."""

import msgspec

from tunekin.catalogue.records import Mood
from tunekin.errors import NotFoundError
from tunekin_cli import render
from tunekin_cli.context import Context
from tunekin_cli.json_output import print_json
from tunekin_embedded.parts import Parts

__all__ = ["choose", "show_all", "show_one"]

# Songs that give an idea of a mood.
_TYPICAL = 3


def show_all(context: Context, *, as_json: bool) -> None:
    """Print the moods, how many songs each has, and the most typical of them.

    Parameters
    ----------
    context : Context
        Folder and settings.
    as_json : bool
        Whether to print JSON.
    """
    with Parts(context.home, settings=context.settings) as parts:
        version = parts.model_version
        moods = parts.reader.moods(version)
        typical = {mood.id: parts.reader.tracks_of_mood(version, mood.id, limit=_TYPICAL) for mood in moods}
    if as_json:
        documents = [
            {
                "id": mood.id,
                "label": {"ko": mood.label.ko, "en": mood.label.en},
                "description": {"ko": mood.description.ko, "en": mood.description.en},
                "tracks": mood.tracks,
                "typical": [
                    msgspec.to_builtins(row.track) | {"probability": row.probability} for row in typical[mood.id]
                ],
            }
            for mood in moods
        ]
        print_json(documents)
    else:
        render.show_moods(moods, typical=typical)


def show_one(context: Context, name: str, *, k: int, as_json: bool) -> None:
    """Print a mood's songs, the most typical first.

    Parameters
    ----------
    context : Context
        Folder and settings.
    name : str
        The mood's number, or part of one of its labels.
    k : int
        Most songs.
    as_json : bool
        Whether to print JSON.
    """
    with Parts(context.home, settings=context.settings) as parts:
        mood = choose(parts.reader.moods(parts.model_version), name)
        tracks = parts.reader.tracks_of_mood(parts.model_version, mood.id, limit=k)
    if as_json:
        print_json([msgspec.to_builtins(row.track) | {"probability": row.probability} for row in tracks])
    else:
        render.show_mood(mood, tracks)


def choose(moods: list[Mood], name: str) -> Mood:
    """Find the one mood that a person means.

    Parameters
    ----------
    moods : list of Mood
        All moods.
    name : str
        A number, or part of a label in Korean or English; case does not matter.

    Returns
    -------
    Mood
        The mood.

    Raises
    ------
    NotFoundError
        No mood is called so, or several are.
    """
    wanted = name.strip().casefold()
    if wanted.isdecimal():
        found = [mood for mood in moods if mood.id == int(wanted)]
    else:
        labels = {mood.id: (mood.label.ko.casefold(), mood.label.en.casefold()) for mood in moods}
        found = [mood for mood in moods if wanted in labels[mood.id]] or [
            mood for mood in moods if wanted and any(wanted in label for label in labels[mood.id])
        ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{mood.id} ({mood.label.en})" for mood in found or moods)
    msg = f"{len(found)} moods are called {name!r}" if found else f"no mood is called {name!r}"
    raise NotFoundError(msg, hint=f"choose one of {names}")
