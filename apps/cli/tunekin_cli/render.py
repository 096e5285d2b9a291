"""Answers, lists and errors in words, for a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tunekin.catalogue.records import Mood, TypicalTrack
from tunekin.catalogue.titles import FoundTrack
from tunekin.errors import TunekinError
from tunekin.messages import Answer, Match, MoodAnswer, Track

__all__ = ["show_answer", "show_error", "show_found", "show_mood", "show_moods", "show_tracks"]

# A less probable runner-up tells a listener nothing.
_WORTH_SAYING = 0.05
# Views that a line of a list names.
_REASONS = 2


def show_error(error: TunekinError) -> None:
    """Print an error in two plain lines, on standard error.

    Parameters
    ----------
    error : TunekinError
        What went wrong.
    """
    _print_problem(error.message, error.hint)


def show_answer(answer: Answer, *, console: Console | None = None) -> None:
    """Print the mood and the matches of a clip; a failure goes to standard error.

    Parameters
    ----------
    answer : Answer
        What to say.
    console : rich.console.Console or None
        Where to; standard output unless it is given.
    """
    if answer.error is not None:
        _print_problem(answer.error.message, answer.error.hint)
        return
    console = console or Console()
    if answer.mood is not None:
        console.print(_mood_line(answer.mood))
    if answer.identified is not None:
        found = answer.identified
        console.print(
            Text.assemble("this is ", (_name(found), "bold"), f", at {_clock(found.track_span_s[0])}"), soft_wrap=True
        )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "song", "artist", "alike", "moment", "most alike in"):
        table.add_column(column, justify="right" if column in {"", "alike"} else "left", overflow="fold")
    for place, match in enumerate(answer.matches, start=1):
        table.add_row(
            str(place),
            Text(match.title or match.track_id),
            Text(match.artist or "unknown"),
            f"{match.similarity:.1%}",
            f"at {_clock(match.track_span_s[0])}",
            Text(", ".join(why.label.en for why in match.why[:_REASONS] if why.label), style="dim"),
        )
    console.print(table)
    if answer.search is not None:
        facts = answer.search
        proof = "proven to be the best" if facts.proven else "not proven"
        console.print(
            f"{facts.compared_in_full} of {facts.candidates} songs compared in full, {proof}; "
            f"{answer.timeline.get('total', 0.0):.0f} ms",
            style="dim",
            highlight=False,
        )


def show_tracks(tracks: Sequence[Track], *, count: int | None = None) -> None:
    """Print tracks as a table.

    Parameters
    ----------
    tracks : sequence of Track
        What to list.
    count : int or None
        How many there are, where these are only the first.
    """
    console = Console()
    if not tracks:
        console.print("the catalogue is empty; add music with: tunekin catalog add FOLDER", highlight=False)
        return
    console.print(_track_table(tracks, extra=None))
    if count is not None and count > len(tracks):
        console.print(f"and {count - len(tracks)} more", style="dim", highlight=False)
    console.print(f"{count or len(tracks)} songs", style="dim", highlight=False)


def show_moods(moods: Sequence[Mood], *, typical: Mapping[int, Sequence[TypicalTrack]]) -> None:
    """Print moods as a table.

    Parameters
    ----------
    moods : sequence of Mood
        What to list.
    typical : mapping of int to sequence of TypicalTrack
        Songs of each mood, the most typical first, by its number.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "mood", "songs", "such as"):
        table.add_column(column, justify="right" if column in {"", "songs"} else "left", overflow="fold")
    for mood in moods:
        names = "\n".join(_name(row.track) for row in typical[mood.id])
        label = Text.assemble(mood.label.en, "\n", (mood.label.ko, "dim"))
        table.add_row(str(mood.id), label, str(mood.tracks), Text(names))
    Console().print(table)


def show_mood(mood: Mood, rows: Sequence[TypicalTrack]) -> None:
    """Print a mood's songs.

    Parameters
    ----------
    mood : Mood
        The mood.
    rows : sequence of TypicalTrack
        Its songs, the most typical first.
    """
    console = Console()
    console.print(Text.assemble((mood.label.en, "bold"), f"  {mood.label.ko}"))
    if mood.description.en:
        console.print(Text(mood.description.en, style="dim"))
    if not rows:
        console.print("no song of the catalogue has this mood", highlight=False)
        return
    console.print(_track_table([row.track for row in rows], extra=("typical", [row.probability for row in rows])))


def show_found(found: Sequence[FoundTrack]) -> None:
    """Print the songs that a search found.

    Parameters
    ----------
    found : sequence of FoundTrack
        Best first.
    """
    console = Console()
    if not found:
        console.print("no song of the catalogue is called so", highlight=False)
        return
    console.print(_track_table([song.track for song in found], extra=("fits", [song.score for song in found])))


def _print_problem(message: str, hint: str) -> None:
    console = Console(stderr=True)
    console.print(Text.assemble(("error ", "bold red"), message), soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint  ", "bold"), hint), soft_wrap=True)


def _mood_line(mood: MoodAnswer) -> Text:
    line = Text.assemble("mood: ", (mood.label.en, "bold"), f" / {mood.label.ko} ({mood.probability:.0%})")
    if mood.runner_up is not None and mood.runner_up.probability >= _WORTH_SAYING:
        nearly = "or just as well" if mood.ambiguous else "then"
        line.append(f", {nearly} {mood.runner_up.label.en} ({mood.runner_up.probability:.0%})", style="dim")
    return line


def _track_table(tracks: Sequence[Track], *, extra: tuple[str, Sequence[float]] | None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("song", "artist", "album", "length", "id"):
        table.add_column(column, justify="right" if column == "length" else "left", overflow="fold")
    if extra is not None:
        table.add_column(extra[0], justify="right")
    for number, track in enumerate(tracks):
        values = [
            Text(track.title or "unknown"),
            Text(track.artist or "unknown"),
            Text(track.album),
            Text(_clock(track.duration_s)),
            Text(track.track_id, style="dim"),
        ]
        table.add_row(*values, *([f"{extra[1][number]:.0%}"] if extra is not None else []))
    return table


def _name(song: Match | Track) -> str:
    return f"{song.title or song.track_id} by {song.artist or 'unknown'}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, as players show them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
