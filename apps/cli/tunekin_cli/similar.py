"""``tunekin similar``: the mood of a recording or song, and the songs most like it."""

import sys
from pathlib import Path

from tunekin.codec import answer_json
from tunekin.errors import AudioTooLargeError, OptionError
from tunekin.messages import ClipOptions
from tunekin_cli import render
from tunekin_cli.context import Context
from tunekin_embedded.parts import Parts

__all__ = ["read_recording", "run"]


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
    from tunekin_embedded.clip_lane import ClipLane  # noqa: PLC0415 -- Numba and faiss, which would slow every other command

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
