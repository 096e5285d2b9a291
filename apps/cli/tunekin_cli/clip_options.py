"""Options of every command that asks what a sound is like."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

import typer

from tunekin.codec import check_taste, read_weights
from tunekin.errors import OptionError
from tunekin.filters import read_filters
from tunekin.messages import Artists, ClipOptions, Mode, Scope, Versioning

__all__ = ["TrackOption", "with_clip_options"]

TrackOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Id of a song of the catalogue, in place of a recording.")
]


def with_clip_options(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command take what may be said of a clip, in place of its parameter ``options``.

    Parameters
    ----------
    command : callable
        Takes ``options``, a `ClipOptions`.

    Returns
    -------
    callable
        The same command; its signature, which Typer reads, has an option for each thing that may be said.
    """
    signature = inspect.signature(command)
    sayable = inspect.signature(_clip_options).parameters

    @functools.wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 -- whatever the options are
        options = _clip_options(**{name: given.pop(name) for name in sayable})
        command(**given, options=options)

    run.__signature__ = signature.replace(  # type: ignore[attr-defined] # what `inspect.signature` looks for
        parameters=[
            taken
            for name, own in signature.parameters.items()
            for taken in (sayable.values() if name == "options" else [own])
        ]
    )
    return run


def _clip_options(
    *,
    start: Annotated[float | None, typer.Option(min=0, help="Where the part begins, in seconds.")] = None,
    duration: Annotated[float | None, typer.Option(min=0, help="How long the part is, in seconds.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many songs.")] = 5,
    scope: Annotated[Scope, typer.Option(help="The whole catalogue, or the clip's mood only.")] = "all",
    mode: Annotated[Mode, typer.Option(help="Prove the answer, or take what the prefilter proposes.")] = "certified",
    artists: Annotated[Artists, typer.Option(help="At most one song of an artist, or any number.")] = "one",
    versions: Annotated[Versioning, typer.Option(help="At most one version of a recording, or any number.")] = "one",
    weight: Annotated[
        list[str] | None,
        typer.Option(help="Factor of a view's weight, as rhythm=2; may be given several times.", metavar="VIEW=FACTOR"),
    ] = None,
    mood: Annotated[
        list[int] | None,
        typer.Option(min=0, help="Only songs of this mood, by number; may be given several times."),
    ] = None,
    tempo: Annotated[
        str, typer.Option(help="Only songs of this tempo in beats a minute, as 90-120, 90- or -120.")
    ] = "",
    year: Annotated[str, typer.Option(help="Only songs of these years, as 1990-1999, 1990- or 1994.")] = "",
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Only songs with this tag, such as a genre; may be given several times: one is enough."),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(help="Id of a song that you like; may be given several times.", metavar="ID"),
    ] = None,
    dislike: Annotated[
        list[str] | None,
        typer.Option(help="Id of a song that you dislike; may be given several times.", metavar="ID"),
    ] = None,
) -> ClipOptions:
    """Check what goes together, before anything is heard."""
    if duration == 0:
        msg = "--duration is 0"
        raise OptionError(msg, hint="leave it out for all of the recording, or give at least 1 second")
    weights = read_weights("--weight", ",".join(weight)) if weight else ()
    if weights:
        from tunekin_ranker.kin import balanced  # noqa: PLC0415 -- Numba and faiss, which would slow every other command

        balanced(dict(weights))
    wanted = {"moods": ",".join(map(str, mood or ())), "tempo": tempo, "years": year, "tags": ",".join(tag or ())}
    return check_taste(
        ClipOptions(
            k=k,
            scope=scope,
            mode=mode,
            artists=artists,
            versions=versions,
            start_s=start,
            duration_s=duration,
            weights=weights,
            filters=read_filters(wanted, prefix="--"),
            likes=tuple(dict.fromkeys(like or ())),
            dislikes=tuple(dict.fromkeys(dislike or ())),
        )
    )
