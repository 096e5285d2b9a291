"""What the service and its decoding process say to each other.

One socket pair of type ``SOCK_SEQPACKET`` joins them. The decoding process opens with a `Hello`. Each message of the
service is then a `Request`, with three descriptors: the encoded file to read, a pipe for the answer, a pipe for the
ending. So requests never wait for each other, and no lock is needed.

A child that was forked for the request writes the answer: four bytes with the length of a `Sound` or a `Problem`, that
message, and after a `Sound` the PCM that it announces. The decoding process, which no stranger's bytes ever reach,
writes the `Ending` once the child is gone. An end of both pipes without an `Ending` means that the decoding process
itself is gone.

Every message is JSON. The service holds whatever comes back against these types and its own limits.
"""

import os
from typing import Annotated, Final, Literal

import msgspec

from tunekin_ingest.audio import TAG_LENGTH, TAG_NAMES

__all__ = [
    "LENGTH_BYTES",
    "MESSAGE_BYTES",
    "OUT_OF_MEMORY",
    "SENTENCE_LENGTH",
    "Ending",
    "Hello",
    "Problem",
    "Request",
    "Sound",
    "write_all",
]

LENGTH_BYTES: Final = 4
"""Size of the number that goes before an answer, most significant byte first."""

MESSAGE_BYTES: Final = 32_768
"""Size that no message exceeds: a few names, tags and sentences, escaped and in four bytes a character."""

OUT_OF_MEMORY: Final = 3
"""Exit status of a child that had not even the memory to say so."""

SENTENCE_LENGTH: Final = 1_000
"""Characters that a message or a hint may have."""

_Name = Annotated[str, msgspec.Meta(max_length=64)]
_Sentence = Annotated[str, msgspec.Meta(max_length=SENTENCE_LENGTH)]
_Tag = Annotated[str, msgspec.Meta(max_length=TAG_LENGTH)]
_Positive = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The decoding process is ready.

    Attributes
    ----------
    layers : tuple of str
        The layers of `tunekin_ingest.adapters.jail` that held in a trial.
    """

    layers: tuple[str, ...]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Decode the file that comes along.

    Attributes
    ----------
    container : str
        Kind of file, a value of `tunekin_ingest.sniff.Container`.
    start_s, duration_s : float or None
        The span asked for.
    """

    container: str
    start_s: float | None
    duration_s: float | None


class Sound(msgspec.Struct, frozen=True, kw_only=True, tag="sound"):
    """It worked; the PCM follows.

    Attributes
    ----------
    pcm_bytes : int
        Size of what follows.
    codec : str
        Name of the decoder.
    channels, sample_rate_hz : int
        What the file had.
    duration_s : float or None
        Length of the whole file, where known.
    tags : dict of str to str
        Those of `tunekin_ingest.audio.TAG_NAMES` that it carries.
    """

    pcm_bytes: Annotated[int, msgspec.Meta(ge=2, multiple_of=2)]
    codec: _Name
    channels: _Positive
    sample_rate_hz: _Positive
    duration_s: Annotated[float, msgspec.Meta(ge=0.0)] | None
    tags: Annotated[dict[_Name, _Tag], msgspec.Meta(max_length=len(TAG_NAMES))]


class Problem(msgspec.Struct, frozen=True, kw_only=True, tag="problem"):
    """It did not work.

    Attributes
    ----------
    code : str
        Code of an error of `tunekin.errors`.
    message, hint : str
        What the error says.
    """

    code: _Name
    message: _Sentence
    hint: _Sentence


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the child ended.

    Attributes
    ----------
    how : {"exit", "signal", "late", "unborn"}
        By itself, by a signal, killed at its time on the clock, or never started.
    number : int
        Exit status, number of the signal, or of the error that kept it from starting.
    """

    how: Literal["exit", "signal", "late", "unborn"]
    number: int


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all bytes, however few a call takes.

    Parameters
    ----------
    descriptor : int
        Where to.
    data : bytes or memoryview
        What.

    Raises
    ------
    OSError
        If the other side is gone, or there is no room.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
