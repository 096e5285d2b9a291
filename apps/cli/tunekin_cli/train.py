"""``tunekin train``: find moods in music or in the catalogue, and train their classifier."""

import signal
import sys
from pathlib import Path

from rich.console import Console

from tunekin.errors import OptionError, SettingsError
from tunekin_cli.context import Context

__all__ = ["run"]

# As shells have it.
_TERMINATED = 128 + signal.SIGTERM


def run(
    context: Context,
    *,
    music: Path | None,
    catalogue_url: str | None,
    clusters: str,
    seed: int,
    labels: Path | None,
    out: Path,
) -> None:
    """Train a model, and say where it and its report are.

    Parameters
    ----------
    context : Context
        Folder and settings.
    music : pathlib.Path or None
        Folder or manifest of music to listen to; unset, the catalogue's summaries are learnt from.
    catalogue_url : str or None
        The catalogue; that of the folder unless it is given.
    clusters : str
        Moods wanted: ``auto`` or a number.
    seed : int
        Fixes the run.
    labels : pathlib.Path or None
        Words for moods.
    out : pathlib.Path
        Folder that the model's folder is made in.

    Raises
    ------
    TunekinError
        Something is wrong with what was given, or this environment can't train.
    """
    if music is not None and catalogue_url is not None:
        raise OptionError("both --music and --catalog are given", hint="train on one of them")
    if clusters != "auto" and not clusters.isdecimal():
        raise OptionError(f"--clusters is {clusters!r}", hint="give a number, or auto for where the elbow is")
    try:
        # PyTorch and the like, which only the extra `train` brings.
        from tunekin_training import command  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"training needs {error.name}, which is not installed here",
            hint="install the extra: pip install 'tunekin[train]', or run make train",
        ) from error
    # Asked to end, it ends its processes, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    command.run(
        command.Options(
            music=music,
            catalogue_url=catalogue_url or context.home.catalogue_url,
            clusters=None if clusters == "auto" else int(clusters),
            seed=seed,
            labels=labels,
            workers=context.settings.program.worker_count(),
            out=out,
        ),
        console=Console(),
    )
