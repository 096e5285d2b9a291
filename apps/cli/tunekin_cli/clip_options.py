"""Options of every command that asks what a sound is like."""

from typing import Annotated, Literal, TypeAlias

import typer

__all__ = ["ArtistsOption", "Duration", "K", "ModeOption", "ScopeOption", "Start", "TrackOption", "Weight"]

TrackOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Id of a song of the catalogue, in place of a recording.")
]
Start: TypeAlias = Annotated[float | None, typer.Option(min=0, help="Where the part begins, in seconds.")]
Duration: TypeAlias = Annotated[float | None, typer.Option(min=0, help="How long the part is, in seconds.")]
K: TypeAlias = Annotated[int, typer.Option("-k", min=1, max=100, help="How many songs.")]
ScopeOption: TypeAlias = Annotated[
    Literal["all", "mood"], typer.Option(help="The whole catalogue, or the clip's mood only.")
]
ModeOption: TypeAlias = Annotated[
    Literal["certified", "shortlist"], typer.Option(help="Prove the answer, or take what the prefilter proposes.")
]
ArtistsOption: TypeAlias = Annotated[
    Literal["one", "any"], typer.Option(help="At most one song of an artist, or any number.")
]
Weight: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Factor of a view's weight, as rhythm=2; may be given several times.", metavar="VIEW=FACTOR"),
]
