"""JSON on standard output."""

import json
import sys
from typing import Annotated, TypeAlias

import typer

__all__ = ["JsonOption", "print_json"]

JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


def print_json(document: object) -> None:
    """Print a document as JSON, its letters as they are.

    Parameters
    ----------
    document : object
        Lists, dicts, texts and numbers.
    """
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
