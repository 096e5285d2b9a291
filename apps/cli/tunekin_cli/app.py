"""The commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

import tunekin
from tunekin import logging
from tunekin.errors import OptionError
from tunekin.messages import ClipOptions
from tunekin_cli import catalog, duplicates, moods, panels, reclassify, removal, rescan, search, similar, train
from tunekin_cli import watch as watching
from tunekin_cli.chosen_tracks import Chosen
from tunekin_cli.clip_options import TrackOption, with_clip_options
from tunekin_cli.context import Context
from tunekin_cli.json_output import JsonOption
from tunekin_cli.servers_app import servers_app
from tunekin_embedded.settings import EmbeddedSettings

__all__ = ["app"]

app = typer.Typer(
    name="tunekin",
    help="Songs of your own catalogue that sound like what you hear, and their moods.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
catalog_app = typer.Typer(name="catalog", help="Put music into the catalogue and look at it.", no_args_is_help=True)
app.add_typer(catalog_app, rich_help_panel=panels.CATALOGUE)
app.add_typer(servers_app)

_Kafka = Annotated[bool, typer.Option("--kafka", help="Let the workers of a distributed Tunekin do it.")]
_Report = Annotated[
    Path | None, typer.Option(help="Write what came of each file to this CSV or JSON file.", metavar="FILE")
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer hands the option over so
    if wanted:
        typer.echo(f"tunekin {tunekin.__version__}")
        raise typer.Exit


@app.callback()
def _prepare(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option("--home", help="Folder for all state; else TUNEKIN_HOME, else your data directory.")
    ] = None,
    version: Annotated[  # noqa: ARG001, FBT002 - handled by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    settings = EmbeddedSettings.read()
    logging.configure(level=settings.program.log_level, fmt=settings.program.log_format)
    context.obj = Context(folder=home or settings.program.home, settings=settings)


@catalog_app.command("add")
def _catalog_add(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders, sound files, CSV manifests, playlists.", metavar="PATH...")
    ] = None,
    *,
    subsonic: Annotated[
        str | None,
        typer.Option(help="All music of a Subsonic server; its login is in TUNEKIN_SUBSONIC_*.", metavar="URL"),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Then take up what changes in the folders.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="With --watch: take out songs whose files go.")] = False,
    skip_duplicates: Annotated[
        bool, typer.Option("--skip-duplicates", help="Leave out new songs that are there in another encoding.")
    ] = False,
    kafka: _Kafka = False,
    report: _Report = None,
) -> None:
    """Put sound files into the catalogue; what is there already is passed over."""
    if bool(paths) == (subsonic is not None):
        raise OptionError("there is to be either a path or --subsonic", hint="tunekin catalog add ~/Music")
    if subsonic is not None and (watch or remove or skip_duplicates):
        msg = "--subsonic is given with an option for files of this machine"
        raise OptionError(msg, hint="leave out --watch, --remove and --skip-duplicates")
    if subsonic is not None:
        raise typer.Exit(catalog.add_from_server(context.obj, subsonic, kafka=kafka, report=report))
    if watch and skip_duplicates:
        msg = "--skip-duplicates is given with --watch"
        raise OptionError(msg, hint="use one of them; `tunekin catalog duplicates` lists what was added twice")
    if watch:
        watching.run(context.obj, paths or [], kafka=kafka, remove=remove, report=report)
    elif remove:
        msg = "--remove is given without --watch"
        raise OptionError(msg, hint="use `tunekin catalog rescan --remove` or `tunekin catalog remove`")
    else:
        added = catalog.add(context.obj, paths or (), kafka=kafka, skip_duplicates=skip_duplicates, report=report)
        raise typer.Exit(added)


@catalog_app.command("rescan")
def _catalog_rescan(
    context: typer.Context,
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of music; else the files of all songs.", metavar="[FOLDER...]")
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take out songs whose files are gone.")] = False,
    yes: _Yes = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Compare the bytes of every file.")] = False,
    kafka: _Kafka = False,
    report: _Report = None,
) -> None:
    """Bring the catalogue in line with its files: changed, moved, gone, new."""
    raise typer.Exit(
        rescan.run(context.obj, folders or [], kafka=kafka, remove=remove, sure=yes, thorough=thorough, report=report)
    )


@catalog_app.command("duplicates")
def _catalog_duplicates(context: typer.Context, *, kafka: _Kafka = False, json: JsonOption = False) -> None:
    """List songs that are one recording, by their bytes or by their sound; nothing is changed."""
    duplicates.run(context.obj, kafka=kafka, as_json=json)


@catalog_app.command("list")
def _catalog_list(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the tracks of the catalogue."""
    catalog.show(context.obj, as_json=json)


@catalog_app.command("remove")
def _catalog_remove(
    context: typer.Context,
    tracks: Annotated[list[str] | None, typer.Argument(help="Ids of songs.", metavar="[TRACK...]")] = None,
    *,
    under: Annotated[
        list[str] | None, typer.Option(help="Songs whose files lie at or below this path or URI.", metavar="PLACE")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Songs of this title.")] = None,
    artist: Annotated[str | None, typer.Option(help="Songs by this artist.")] = None,
    album: Annotated[str | None, typer.Option(help="Songs of this album.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All songs.")] = False,
    yes: _Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the songs only.")] = False,
    kafka: _Kafka = False,
) -> None:
    """Take songs out of the catalogue; their files stay."""
    chosen = Chosen(track_ids=tuple(tracks or ()), places=tuple(under or ()), title=title, artist=artist, album=album)
    if chosen.is_everything and not everything:
        msg = "no song is named"
        raise OptionError(msg, hint="name ids, choose by --under, --title, --artist or --album, or say --all")
    raise typer.Exit(removal.run(context.obj, chosen, kafka=kafka, sure=yes, dry_run=dry_run))


@app.command("similar", rich_help_panel=panels.LISTEN)
@with_clip_options
def _similar(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="A recording: any sound file, or - for standard input.", metavar="[FILE]")
    ] = None,
    *,
    track: TrackOption = None,
    options: ClipOptions,
    json: JsonOption = False,
) -> None:
    """Say a recording's or a song's mood and the songs most like it."""
    raise typer.Exit(similar.run(context.obj, file, track_id=track, options=options, as_json=json))


@app.command("moods", rich_help_panel=panels.LISTEN)
def _moods(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the moods, how many songs each has, and the most typical of them."""
    moods.show_all(context.obj, as_json=json)


@app.command("mood", rich_help_panel=panels.LISTEN)
def _mood(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="A mood's number, or part of its label in Korean or English.", metavar="NAME")
    ],
    *,
    k: Annotated[int, typer.Option("-k", min=1, help="How many songs.")] = 20,
    json: JsonOption = False,
) -> None:
    """List a mood's songs, the most typical first."""
    moods.show_one(context.obj, name, k=k, as_json=json)


@app.command("search", rich_help_panel=panels.LISTEN)
def _search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Part of a title, artist or album, perhaps misspelt.", metavar="TEXT")],
    *,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many songs.")] = 10,
    json: JsonOption = False,
) -> None:
    """Find songs of the catalogue by what they are called."""
    search.run(context.obj, text, k=k, as_json=json)


@app.command("serve", rich_help_panel=panels.LISTEN)
def _serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen at; else TUNEKIN_WEB_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = None,
    kafka: _Kafka = False,
) -> None:
    """Serve the page and the REST API."""
    from tunekin_cli import serve  # noqa: PLC0415 -- scikit-learn for the map, which would slow every other command

    (serve.run_remotely if kafka else serve.run)(context.obj, host=host, port=port)


@app.command("telegram", rich_help_panel=panels.LISTEN)
def _telegram(
    context: typer.Context,
    *,
    kafka: _Kafka = False,
) -> None:
    """Answer in Telegram, as the bot whose token TUNEKIN_TELEGRAM_TOKEN is."""
    from tunekin_cli import telegram  # noqa: PLC0415 -- types of the whole Bot API, which would slow every other command

    (telegram.run_remotely if kafka else telegram.run)(context.obj)


@app.command("train", rich_help_panel=panels.CATALOGUE)
def _train(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option(help="Folder that the model's folder is made in.", metavar="DIR")],
    catalogue_url: Annotated[
        str | None,
        typer.Option("--catalog", help="Catalogue to learn from; else that of the home folder.", metavar="URL"),
    ] = None,
    music: Annotated[
        Path | None, typer.Option(help="Folder or CSV manifest of music to listen to, in place of a catalogue.")
    ] = None,
    clusters: Annotated[str, typer.Option(help="Moods wanted; auto: where the elbow is.", metavar="auto|N")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Fixes the run.")] = 0,
    labels: Annotated[Path | None, typer.Option(help="Words for moods (TOML), used where they fit.")] = None,
) -> None:
    """Find moods in the catalogue, and train their classifier; needs the extra `train`."""
    train.run(
        context.obj, music=music, catalogue_url=catalogue_url, clusters=clusters, seed=seed, labels=labels, out=out
    )


@app.command("reclassify", rich_help_panel=panels.CATALOGUE)
def _reclassify(
    context: typer.Context,
    model: Annotated[
        Path | None, typer.Argument(help="A model's folder; else the model in use.", metavar="[MODEL]")
    ] = None,
    *,
    kafka: _Kafka = False,
) -> None:
    """Bring the catalogue to a mood model, then use it for everything."""
    raise typer.Exit(reclassify.run_remotely(context.obj, model) if kafka else reclassify.run(context.obj, model))
