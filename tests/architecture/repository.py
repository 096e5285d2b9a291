"""The files of the repository, as the tests of its architecture see them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pathspec

ROOT = Path(__file__).resolve().parents[2]


def repository_files() -> Iterator[Path]:
    """Every file that .gitignore leaves, found without Git: a source archive has none."""
    ignored = pathspec.GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text().splitlines())
    for folder, folders, files in os.walk(ROOT):
        place = Path(folder).relative_to(ROOT)
        folders[:] = sorted(name for name in folders if name != ".git" and not ignored.match_file(f"{place / name}/"))
        yield from (
            ROOT / place / name for name in sorted(files) if not ignored.match_file(place / name) and name != ".git"
        )


def text_of(path: Path) -> str:
    """Text of a file; of a binary file what can be read as text."""
    return path.read_bytes().decode("utf-8", errors="replace")
