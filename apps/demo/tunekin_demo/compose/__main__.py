"""``python -m tunekin_demo.compose FOLDER``: write the composed catalogue into a folder, unless it is there already."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track as progress_bar

from tunekin_demo.compose import catalogue, write_catalogue

__all__ = ["compose_once", "main"]


def compose_once(folder: Path) -> Path:
    """Compose the project's own pieces, with a progress bar, unless they are there from the last time.

    Parameters
    ----------
    folder : Path
        Where they go.

    Returns
    -------
    Path
        The same.
    """
    pieces = catalogue()
    complete = folder / ".complete"
    if not complete.exists():
        for _ in progress_bar(write_catalogue(folder, pieces=pieces), description="composing", total=len(pieces)):
            pass
        complete.touch()
    return folder


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the catalogue.

    Parameters
    ----------
    arguments : sequence of str or None
        Command line; the program's own unless it is given.
    """
    parser = argparse.ArgumentParser(prog="tunekin_demo.compose", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the files go")
    compose_once(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
