"""Which songs may be in a list: by mood, tempo, year and tags, written as people and headers write them."""

import math
import re

from tunekin.errors import OptionError
from tunekin.messages import Bounds, Filters

__all__ = ["NAMES", "read_filters", "read_tags", "tag_key", "write_filters"]

NAMES = ("moods", "tempo", "years", "tags")
"""The filters, as headers, the command line and the REST API call them."""

# Separators of several tags in one text; a tag holds none of them.
_BETWEEN_TAGS = re.compile(r"[;,\0]")
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})?\s*(?P<dash>-\s*(?P<high>{_NUMBER})?)?")
_MOST_MOOD = 1_000


def tag_key(tag: str) -> str:
    """Bring a tag to the form in which tags are compared.

    Parameters
    ----------
    tag : str
        A tag.

    Returns
    -------
    str
        Without regard to case and to how many spaces there are.

    Examples
    --------
    >>> tag_key("  Hip  Hop ")
    'hip hop'
    """
    return " ".join(tag.casefold().split())


def read_tags(text: str) -> tuple[str, ...]:
    """Take the tags of a text apart.

    Parameters
    ----------
    text : str
        Tags, separated by commas or semicolons.

    Returns
    -------
    tuple of str
        Each once, as it is first written, in order.

    Examples
    --------
    >>> read_tags("Rock; Hip Hop, rock")
    ('Rock', 'Hip Hop')
    """
    found: dict[str, str] = {}
    for part in _BETWEEN_TAGS.split(text):
        tag = " ".join(part.split())
        if tag:
            found.setdefault(tag_key(tag), tag)
    return tuple(found.values())


def read_filters(given: dict[str, str], *, prefix: str = "") -> Filters:
    """Read filters.

    Parameters
    ----------
    given : dict of str to str
        What is wanted, by `NAMES`; empty texts filter nothing. ``moods`` are numbers and ``tags`` words, separated by
        commas, of which a song needs one; ``tempo`` in beats a minute and ``years`` are ranges: ``90-120``, ``90-``,
        ``-120`` or ``1994``.
    prefix : str
        What comes before the names where they come from, for an error.

    Returns
    -------
    Filters
        The same, checked.

    Raises
    ------
    OptionError
        A text is none of these.

    Examples
    --------
    >>> read_filters({"years": "1990-1999", "tags": "jazz"})
    Filters(moods=(), tempo_bpm=None, years=(1990.0, 1999.0), tags=('jazz',))
    """
    moods = tuple(_mood(f"{prefix}moods", part) for part in given.get("moods", "").split(",") if part.strip())
    return Filters(
        moods=moods,
        tempo_bpm=_bounds(f"{prefix}tempo", given.get("tempo", ""), example="90-120"),
        years=_bounds(f"{prefix}years", given.get("years", ""), example="1990-1999"),
        tags=read_tags(given.get("tags", "")),
    )


def write_filters(filters: Filters) -> dict[str, str]:
    """Write filters as `read_filters` reads them.

    Parameters
    ----------
    filters : Filters
        What is wanted.

    Returns
    -------
    dict of str to str
        By `NAMES`, without those that filter nothing.

    Examples
    --------
    >>> write_filters(Filters(tempo_bpm=(90.0, None), moods=(2, 5)))
    {'moods': '2,5', 'tempo': '90-'}
    """
    texts = {
        "moods": ",".join(map(str, filters.moods)),
        "tempo": _range_text(filters.tempo_bpm),
        "years": _range_text(filters.years),
        "tags": ",".join(filters.tags),
    }
    return {name: text for name, text in texts.items() if text}


def _mood(name: str, text: str) -> int:
    number = text.strip()
    if not (number.isascii() and number.isdecimal() and int(number[:9]) <= _MOST_MOOD):
        raise OptionError(
            f"{name} is {text[:40]!r}", hint=f"{name} takes numbers of moods, separated by commas, as 2,5"
        )
    return int(number)


def _bounds(name: str, text: str, *, example: str) -> Bounds | None:
    text = text.strip()
    if not text:
        return None
    found = _RANGE.fullmatch(text)
    least, most = example.split("-")
    hint = f"{name} takes a range, as {example}, {least}- or -{most}, or one number"
    if not found or not (found["low"] or found["high"]):
        raise OptionError(f"{name} is {text[:40]!r}", hint=hint)
    low = float(found["low"]) if found["low"] else None
    high = float(found["high"]) if found["high"] else None
    if not found["dash"]:
        return low, low
    if (-math.inf if low is None else low) > (math.inf if high is None else high):
        raise OptionError(f"{name} is {text[:40]!r}, which ends before it begins", hint=hint)
    return low, high


def _range_text(bounds: Bounds | None) -> str:
    if bounds is None:
        return ""
    low, high = ("" if end is None else f"{end:.9g}" for end in bounds)
    return f"{low}-{high}"
