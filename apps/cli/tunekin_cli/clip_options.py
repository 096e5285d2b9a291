"""Options of every command that asks what a sound is like."""

from typing import Annotated, Literal, TypeAlias

import typer

__all__ = [
    "ArtistsOption",
    "Dislike",
    "Duration",
    "K",
    "Like",
    "ModeOption",
    "MoodFilter",
    "ScopeOption",
    "Start",
    "TagFilter",
    "TempoFilter",
    "TrackOption",
    "VersionsOption",
    "Weight",
    "YearFilter",
]

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
Like: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Id of a song that you like; may be given several times.", metavar="ID"),
]
Dislike: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Id of a song that you dislike; may be given several times.", metavar="ID"),
]
VersionsOption: TypeAlias = Annotated[
    Literal["one", "any"], typer.Option(help="At most one version of a recording, or any number.")
]
Weight: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Factor of a view's weight, as rhythm=2; may be given several times.", metavar="VIEW=FACTOR"),
]
MoodFilter: TypeAlias = Annotated[
    list[int] | None,
    typer.Option("--mood", min=0, help="Only songs of this mood, by number; may be given several times."),
]
TempoFilter: TypeAlias = Annotated[
    str, typer.Option("--tempo", help="Only songs of this tempo in beats a minute, as 90-120, 90- or -120.")
]
YearFilter: TypeAlias = Annotated[
    str, typer.Option("--year", help="Only songs of these years, as 1990-1999, 1990- or 1994.")
]
TagFilter: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Only songs with this tag, such as a genre; may be given several times: one is enough."),
]
