"""``tunekin similar``: the mood of a recording or song, and the songs most like it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tunekin.codec import answer_json, check_taste, read_weights
from tunekin.errors import AudioTooLargeError, OptionError
from tunekin.filters import read_filters
from tunekin.messages import Artists, ClipOptions, Filters, Mode, Scope, Versioning
from tunekin_cli import render
from tunekin_cli.context import Context
from tunekin_embedded.parts import Parts

__all__ = ["filters", "options", "read_recording", "run"]


def options(
    *,
    start_s: float | None,
    duration_s: float | None,
    k: int,
    scope: Scope,
    mode: Mode,
    artists: Artists = "one",
    versions: Versioning = "one",
    weights: Sequence[str] | None = None,
    filters: Filters = Filters(),  # noqa: B008 - immutable
    likes: Sequence[str] | None = None,
    dislikes: Sequence[str] | None = None,
) -> ClipOptions:
    """Check the options that go together.

    Parameters
    ----------
    start_s, duration_s : float or None
        Part of the recording that is meant.
    k : int
        Matches wanted.
    scope : {'all', 'mood'}
        Part of the catalogue that is meant.
    mode : {'certified', 'shortlist'}
        Search that is meant.
    artists : {'one', 'any'}
        Whether an artist has at most one place.
    versions : {'one', 'any'}
        Whether a recording has at most one place.
    weights : sequence of str or None
        Factors of the views' weights, as ``rhythm=2``.
    filters : Filters
        Which songs may be matches.
    likes, dislikes : sequence of str or None
        Ids of songs that the listener likes, and dislikes.

    Returns
    -------
    ClipOptions
        The same.

    Raises
    ------
    OptionError
        A part of no length, a weight that is none, or likes and dislikes that can't be.
    """
    if duration_s == 0:
        msg = "--duration is 0"
        raise OptionError(msg, hint="leave it out for all of the recording, or give at least 1 second")
    factors = read_weights("--weight", ",".join(weights)) if weights else ()
    if factors:
        from tunekin_ranker.kin import balanced  # noqa: PLC0415 -- Numba and faiss, which would slow every other command

        # Refused before anything is heard.
        balanced(dict(factors))
    return check_taste(
        ClipOptions(
            k=k,
            scope=scope,
            mode=mode,
            artists=artists,
            versions=versions,
            start_s=start_s,
            duration_s=duration_s,
            weights=factors,
            filters=filters,
            likes=tuple(dict.fromkeys(likes or ())),
            dislikes=tuple(dict.fromkeys(dislikes or ())),
        )
    )


def filters(*, moods: Sequence[int] | None, tempo: str, years: str, tags: Sequence[str] | None) -> Filters:
    """Read the filters that are given as options.

    Parameters
    ----------
    moods : sequence of int or None
        Numbers of moods.
    tempo, years : str
        Ranges, see `tunekin.filters.read_filters`.
    tags : sequence of str or None
        Tags.

    Returns
    -------
    Filters
        Which songs may be matches.

    Raises
    ------
    OptionError
        A range is none.
    """
    given = {"moods": ",".join(map(str, moods or ())), "tempo": tempo, "years": years, "tags": ",".join(tags or ())}
    return read_filters(given, prefix="--")


def run(context: Context, file: Path | None, *, track_id: str | None, options: ClipOptions, as_json: bool) -> int:
    """Answer a recording, or a song of the catalogue.

    Parameters
    ----------
    context : Context
        Folder and settings.
    file : pathlib.Path or None
        The recording; ``-`` is standard input.
    track_id : str or None
        The song, where there is no recording.
    options : ClipOptions
        What is asked for.
    as_json : bool
        Whether to print the answer's JSON.

    Returns
    -------
    int
        Exit code: 0 for an answer, 1 for a failure.

    Raises
    ------
    OptionError
        The file can't be read, or there is not exactly one of recording and song.
    """
    if (file is None) == (track_id is None):
        msg = "neither a recording nor --track is given" if file is None else "a recording and --track are both given"
        raise OptionError(msg, hint="name a sound file, or the id of a song by --track")
    from tunekin_embedded.clip_lane import ClipLane  # noqa: PLC0415 -- Numba and faiss, as above

    data = b"" if file is None else read_recording(file, max_bytes=context.settings.ingest.max_bytes)
    with Parts(context.home, settings=context.settings) as parts:
        lane = ClipLane(parts)
        if track_id is None:
            answer = lane.answer(data, options=options)
        else:
            answer = lane.answer_track(track_id, options=options)
    if as_json:
        sys.stdout.buffer.write(answer_json(answer) + b"\n")
    else:
        render.show_answer(answer)
    return 0 if answer.status == "answered" else 1


def read_recording(file: Path, *, max_bytes: int) -> bytes:
    """Read a recording.

    Parameters
    ----------
    file : pathlib.Path
        Where it is; ``-`` is standard input.
    max_bytes : int
        Most that it may have.

    Returns
    -------
    bytes
        The sound file.

    Raises
    ------
    OptionError
        It can't be read.
    AudioTooLargeError
        It has more.
    """
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(max_bytes + 1)
    except OSError as error:
        msg = f"{file} can't be read: {error.strerror}"
        raise OptionError(msg, hint="name a sound file, or - for standard input") from error
    if len(data) > max_bytes:
        msg = f"{file} has more than {max_bytes} bytes"
        raise AudioTooLargeError(msg, hint="send a part of it, or raise TUNEKIN_INGEST_MAX_BYTES")
    return data
