"""The commands for a distributed Tunekin, and their options."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tunekin.dead_letters import Chosen, parse_time
from tunekin.errors import OptionError
from tunekin.messages import ClipOptions
from tunekin_cli import dead_letters, panels, publish, setup, status, sweep
from tunekin_cli.clip_options import TrackOption, with_clip_options
from tunekin_cli.json_output import JsonOption
from tunekin_cli.servers import Servers

__all__ = ["servers_app"]

servers_app = typer.Typer()
dlq_app = typer.Typer(name="dlq", help="Dead letters: records that failed.", no_args_is_help=True)
servers_app.add_typer(dlq_app, rich_help_panel=panels.SERVERS)
blobs_app = typer.Typer(name="blobs", help="Values too large for a record.", no_args_is_help=True)
servers_app.add_typer(blobs_app, rich_help_panel=panels.SERVERS)

_Keys = Annotated[
    list[str] | None, typer.Argument(help="Names of letters, as the list shows them.", metavar="[LETTER...]")
]
_All = Annotated[bool, typer.Option("--all", help="All of them.")]
_Code = Annotated[str | None, typer.Option("--error", help="Those with this code of error.")]
_Stage = Annotated[str | None, typer.Option(help="Those that this role gave up.")]
_Since = Annotated[str | None, typer.Option(help="Those that failed since then: 2h, 1d or a time in ISO 8601.")]
_Until = Annotated[str | None, typer.Option(help="Those that failed until then.")]


@servers_app.command("setup", rich_help_panel=panels.SERVERS)
def _setup(context: typer.Context) -> None:
    """Create the topics, migrate the catalogue, and write the model's moods into it."""
    raise typer.Exit(setup.run(context.obj, Servers.read()))


@servers_app.command("topics", rich_help_panel=panels.SERVERS)
def _topics(
    *,
    create: Annotated[bool, typer.Option("--create", help="Create those that are missing.")] = False,
    json: JsonOption = False,
    asyncapi: Annotated[
        bool, typer.Option("--asyncapi", help="Print the contract of every topic as AsyncAPI, asking no broker.")
    ] = False,
) -> None:
    """List the topics, and where those on the brokers differ."""
    if asyncapi:
        setup.print_asyncapi()
        return
    raise typer.Exit(setup.show_topics(Servers.read(), create=create, as_json=json))


@servers_app.command("status", rich_help_panel=panels.SERVERS)
def _status(*, json: JsonOption = False) -> None:
    """Say how the installation is: topics, catalogue, workers, what waits, what failed."""
    raise typer.Exit(status.run(Servers.read(), as_json=json))


@servers_app.command("publish", rich_help_panel=panels.SERVERS)
@with_clip_options
def _publish(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Recordings: any sound files.", metavar="[FILE...]")
    ] = None,
    *,
    track: TrackOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the outcomes and print them.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Longest wait for the next outcome, in seconds.")] = 60.0,
    options: ClipOptions,
    json: JsonOption = False,
) -> None:
    """Publish recordings to the topic clips."""
    if not files and track is None:
        msg = "neither a recording nor --track is given"
        raise OptionError(msg, hint="name sound files, or the id of a song by --track")
    raise typer.Exit(
        publish.run(
            context.obj,
            Servers.read(),
            files or [],
            track_id=track,
            options=options,
            wait_s=timeout if wait else None,
            as_json=json,
        )
    )


@blobs_app.command("sweep")
def _blobs_sweep(
    *,
    older_than: Annotated[str, typer.Option(help="Those that were put before then: 2h, 1d or ISO 8601.")] = "1d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say only how many there are.")] = False,
) -> None:
    """Delete values that nothing refers to any more, such as of workers that died."""
    now_s = time.time()
    before_s = parse_time(older_than, now_s=lambda: now_s)
    raise typer.Exit(sweep.run(Servers.read(), before_s=before_s, now_s=now_s, dry_run=dry_run))


@dlq_app.command("list")
def _dlq_list(
    *,
    code: _Code = None,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
    last: Annotated[int | None, typer.Option(min=1, help="The newest of them, so many.")] = None,
    json: JsonOption = False,
) -> None:
    """List dead letters, the oldest first."""
    chosen = _chosen(None, code=code, stage=stage, since=since, until=until)
    dead_letters.list_all(Servers.read(), chosen, last=last, as_json=json)


@dlq_app.command("show")
def _dlq_show(
    letter: Annotated[str, typer.Argument(help="Name of the letter, as the list shows it.", metavar="LETTER")],
    *,
    output: Annotated[Path | None, typer.Option(help="Write the record's value to this file, byte for byte.")] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the record's value to standard output, and nothing else.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what became of one record, and what it holds."""
    if raw:
        if json or output is not None:
            msg = "--raw writes nothing but the value"
            raise OptionError(msg, hint="leave out --json and --output")
        dead_letters.show_raw(Servers.read(), letter)
        return
    dead_letters.show(Servers.read(), letter, output=output, as_json=json)


@dlq_app.command("replay")
def _dlq_replay(
    letters: _Keys = None,
    *,
    everything: _All = False,
    code: _Code = None,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
    whole: Annotated[bool, typer.Option("--whole", help="Begin anew at clips, not at the stage that failed.")] = False,
) -> None:
    """Send dead letters again, each as its next attempt."""
    chosen = _some(letters, everything=everything, code=code, stage=stage, since=since, until=until)
    typer.echo(f"{dead_letters.replay(Servers.read(), chosen, whole=whole)} replayed")


@dlq_app.command("purge")
def _dlq_purge(
    letters: _Keys = None,
    *,
    everything: _All = False,
    code: _Code = None,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
) -> None:
    """Forget dead letters, with what they refer to in the blob store."""
    chosen = _some(letters, everything=everything, code=code, stage=stage, since=since, until=until)
    typer.echo(f"{dead_letters.purge(Servers.read(), chosen)} purged")


def _some(
    letters: list[str] | None,
    *,
    everything: bool,
    code: str | None,
    stage: str | None,
    since: str | None,
    until: str | None,
) -> Chosen:
    """Refuse to mean all letters unless it is said."""
    chosen = _chosen(letters, code=code, stage=stage, since=since, until=until)
    if chosen.is_everything and not everything:
        msg = "no letter is named"
        raise OptionError(msg, hint="name letters, choose by --error, --stage, --since or --until, or say --all")
    return chosen


def _chosen(
    letters: list[str] | None, *, code: str | None, stage: str | None, since: str | None, until: str | None
) -> Chosen:
    return Chosen(
        keys=tuple(letters or ()),
        code=code,
        stage=stage,
        since_s=None if since is None else parse_time(since, now_s=time.time),
        until_s=None if until is None else parse_time(until, now_s=time.time),
    )
