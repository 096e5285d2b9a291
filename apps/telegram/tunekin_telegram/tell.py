"""What the bot says: answers, moods and songs as Telegram's HTML, with buttons below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

from tunekin.messages import Answer, Match, MoodAnswer, Problem
from tunekin_telegram.words import Words

__all__ = ["Button", "Said", "answer", "choice", "moods", "problem", "progress", "songs_of_mood", "sure", "taste"]

# Quotes are no markup outside of tags, and there is nothing of others' inside.
_safe = partial(escape, quote=False)

# A less probable runner-up tells a listener nothing.
_WORTH_SAYING = 0.05
# A less alike view is no reason; and so many fit into a line.
_SPEAKS = 0.5
_REASONS = 3
# A message holds 4096 characters and a button's label far fewer; tags can be long.
_NAME = 80
# Of what somebody likes, and of what they dislike.
_OF_TASTE = 10
# Numbers that lie side by side on a phone.
_A_ROW = 5
_LABEL = 48


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button below a message.

    Attributes
    ----------
    label : str
        What is on it.
    action : tuple of (str, str)
        What it does, and with what.
    """

    label: str
    action: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message.

    Attributes
    ----------
    text : str
        In Telegram's HTML.
    rows : tuple of tuple of Button
        Buttons, line by line.
    """

    text: str
    rows: tuple[tuple[Button, ...], ...] = ()


def progress(words: Words, begun: str, stages: Sequence[str]) -> Said:
    """Say how far a question is.

    Parameters
    ----------
    words : Words
        The language.
    begun : str
        What is being done.
    stages : sequence of str
        Roles of the workers that are done.

    Returns
    -------
    Said
        A short message.
    """
    done = " · ".join(words.stages[stage] for stage in dict.fromkeys(stages) if stage in words.stages)
    return Said(text=_safe(begun) + (f"\n<i>{done}</i>" if done else ""))


def answer(words: Words, said: Answer, *, heading: str = "", most_bytes: int = 0) -> Said:
    """Say an answer, or why there is none.

    Parameters
    ----------
    words : Words
        The language.
    said : Answer
        What came of a question.
    heading : str
        Comes before it.
    most_bytes : int
        Largest sound that is taken.

    Returns
    -------
    Said
        Mood and songs, with a button for songs like each.
    """
    if said.error is not None:
        return problem(words, said.error, most_bytes=most_bytes)
    parts = [f"<b>{_safe(heading)}</b>"] if heading else []
    if said.mood is not None:
        parts.append(_mood(words, said.mood))
    songs = list(said.matches)
    if said.identified is not None:
        where = words.at.format(a=_clock(said.identified.track_span_s[0]))
        parts.append(f"{words.this_is}:\n{_name(words, said.identified)}, {where}")
    if songs:
        lines = [_match(words, place, match) for place, match in enumerate(songs, 1)]
        parts.append("\n".join([f"<b>{words.kin}</b>", *lines]))
    else:
        parts.append(words.none)
    if said.search is not None:
        facts = said.search
        parts.append(
            f"<i>{words.proven.format(n=facts.candidates)}</i>"
            if facts.proven
            else f"<i>{words.proposed.format(n=facts.compared_in_full, of=facts.candidates)}</i>"
        )
    track_ids = [match.track_id for match in songs]
    said_so = _with_numbers(words, parts, track_ids)
    return Said(text=said_so.text, rows=(*said_so.rows, *_verdicts(track_ids)))


def problem(words: Words, what: Problem, *, most_bytes: int = 0, wait_s: int = 0) -> Said:
    """Say what was wrong, and what would be right.

    Parameters
    ----------
    words : Words
        The language.
    what : Problem
        What was wrong.
    most_bytes : int
        Largest sound that is taken.
    wait_s : int
        When to come again, in seconds.

    Returns
    -------
    Said
        In the language where it has words for that, else as the error puts it.
    """
    known = words.errors.get(what.code)
    if known is None:
        return Said(text=_safe("\n".join(filter(None, (what.message, what.hint)))))
    return Said(text=_safe(known.format(mb=f"{most_bytes / 2**20:.3g}", s=wait_s)))


def moods(words: Words, listed: Sequence[Mapping[str, Any]]) -> Said:
    """Ask for a mood.

    Parameters
    ----------
    words : Words
        The language.
    listed : sequence of mapping
        As `tunekin_web.collection` lists them.

    Returns
    -------
    Said
        A button for each mood.
    """
    # Labels are sentences, of which a button on a phone shows a half.
    lines = [
        f"{place}. {_safe(mood['label'][words.language])} ({words.songs.format(n=mood['tracks'])})"
        for place, mood in enumerate(listed, 1)
    ]
    buttons = [Button(label=str(place), action=("mood", f"{mood['id']}:0")) for place, mood in enumerate(listed, 1)]
    return Said(text="\n".join([f"<b>{words.moods}</b>", "", *lines]), rows=_rows(buttons))


def songs_of_mood(
    words: Words, mood: Mapping[str, Any], songs: Sequence[Mapping[str, Any]], *, first: int | None
) -> Said:
    """List songs of a mood.

    Parameters
    ----------
    words : Words
        The language.
    mood : mapping
        As `tunekin_web.collection` has it.
    songs : sequence of mapping
        Some of its songs.
    first : int or None
        Place of the first of them; unset where they were drawn by lot.

    Returns
    -------
    Said
        With buttons for songs like each, more of them, a surprise, and the other moods.
    """
    count = words.songs.format(n=mood["tracks"])
    parts = [f"<b>{_safe(mood['label'][words.language])}</b> ({count})\n{_safe(mood['description'][words.language])}"]
    if songs:
        lead = words.typical if first is not None else words.surprise_lead
        start = (first or 0) + 1
        lines = [f"{start + number}. {_name(words, song)}" for number, song in enumerate(songs)]
        parts.append("\n".join([f"<i>{lead}</i>", *lines]))
    else:
        parts.append(words.empty_mood)
    said = _with_numbers(words, parts, [song["track_id"] for song in songs], start=(first or 0) + 1)
    more = (
        [Button(label=words.more, action=("mood", f"{mood['id']}:{first + len(songs)}"))]
        if first is not None and first + len(songs) < mood["tracks"]
        else []
    )
    draw = [Button(label=words.surprise, action=("surprise", str(mood["id"])))] if songs else []
    back = (Button(label=words.back, action=("moods", "")),)
    return Said(text=said.text, rows=(*said.rows, *([(*draw, *more)] if draw or more else []), back))


def choice(words: Words, songs: Sequence[Mapping[str, Any]]) -> Said:
    """Ask which song somebody means.

    Parameters
    ----------
    words : Words
        The language.
    songs : sequence of mapping
        What the search found, best first.

    Returns
    -------
    Said
        A button for each song.
    """
    if not songs:
        return Said(text=words.nothing)
    rows = tuple(
        (
            Button(
                label=_short(f"{song['title'] or words.unknown} · {song['artist'] or words.unknown}"),
                action=("kin", song["track_id"]),
            ),
        )
        for song in songs
    )
    return Said(text=f"<b>{words.found}</b>", rows=rows)


def taste(words: Words, liked: Sequence[Mapping[str, Any]], disliked: Sequence[Mapping[str, Any]]) -> Said:
    """Say what somebody likes and dislikes.

    Parameters
    ----------
    words : Words
        The language.
    liked, disliked : sequence of mapping
        Songs, the newest first.

    Returns
    -------
    Said
        The newest of them, each with a button that takes it back, and buttons to take all along and to forget all.
    """
    if not liked and not disliked:
        return Said(text=words.nothing_yet)
    parts: list[str] = []
    buttons: list[Button] = []
    for heading, songs in ((words.likes, liked), (words.dislikes, disliked)):
        if songs:
            shown = songs[:_OF_TASTE]
            first = len(buttons) + 1
            lines = [f"{place}. {_name(words, song)}" for place, song in enumerate(shown, first)]
            parts.append("\n".join([f"<b>{heading}</b> ({words.songs.format(n=len(songs))})", *lines]))
            buttons += [
                Button(label=str(place), action=("back", song["track_id"])) for place, song in enumerate(shown, first)
            ]
    parts.append(words.press_to_take_back)
    along = (Button(label=words.take_along, action=("along", "")),)
    forget = (Button(label=words.forget, action=("forget", "")),)
    return Said(text="\n\n".join(parts), rows=(*_rows(buttons), along, forget))


def sure(words: Words) -> Said:
    """Ask whether all is to be forgotten.

    Parameters
    ----------
    words : Words
        The language.

    Returns
    -------
    Said
        With one button for yes.
    """
    return Said(text=words.forget_sure, rows=((Button(label=words.forget, action=("sure", "")),),))


def _mood(words: Words, mood: MoodAnswer) -> str:
    sure = words.sure.format(p=_percent(mood.probability))
    line = f"{words.mood_is} <b>{_safe(_label(words, mood.label))}</b> ({sure}"
    second = mood.runner_up
    if second is not None and second.probability >= _WORTH_SAYING:
        nearly = words.or_as_well if mood.ambiguous else words.or_else
        line += ", " + _safe(nearly.format(mood=_label(words, second.label), p=_percent(second.probability)))
    return line + ")"


def _match(words: Words, place: int, match: Match) -> str:
    start_s, end_s = match.track_span_s
    start, end = _clock(start_s), _clock(end_s)
    where = words.moment.format(a=start, b=end) if start != end else words.at.format(a=start)
    facts = [words.alike.format(p=_percent(match.similarity)), where]
    why = ", ".join(
        # A song that somebody likes is a reason by itself.
        _label(words, why.label) + ("" if why.view == "liked" else f" {_percent(why.similarity)}")
        for why in match.why[:_REASONS]
        if why.label is not None and why.similarity >= _SPEAKS
    )
    return f"{place}. {_name(words, match)}\n     " + _safe(" · ".join(filter(None, [", ".join(facts), why])))


def _with_numbers(words: Words, parts: list[str], track_ids: Sequence[str], *, start: int = 1) -> Said:
    buttons = [Button(label=str(place), action=("kin", track_id)) for place, track_id in enumerate(track_ids, start)]
    if buttons:
        parts = [*parts, words.press]
    return Said(text="\n\n".join(parts), rows=_rows(buttons))


def _verdicts(track_ids: Sequence[str]) -> tuple[tuple[Button, ...], ...]:
    return tuple(
        tuple(
            Button(label=f"{sign} {place}", action=(verdict, track_id)) for place, track_id in enumerate(track_ids, 1)
        )
        for sign, verdict in (("👍", "like"), ("👎", "dislike"))
        if track_ids
    )


def _rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(buttons[at : at + _A_ROW]) for at in range(0, len(buttons), _A_ROW))


def _name(words: Words, song: Match | Mapping[str, Any]) -> str:
    title, artist = (song.title, song.artist) if isinstance(song, Match) else (song["title"], song["artist"])
    return f"<b>{_safe(_cut(title, _NAME) or words.unknown)}</b> · {_safe(_cut(artist, _NAME) or words.unknown)}"


def _label(words: Words, label: Any) -> str:  # noqa: ANN401
    return str(getattr(label, words.language))


def _short(text: str) -> str:
    return _cut(text, _LABEL)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, as players show them."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
