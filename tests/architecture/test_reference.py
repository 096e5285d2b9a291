"""What a user meets is documented: every command, option, setting and error."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tunekin import errors
from tunekin.errors import TunekinError
from tunekin.process import Root
from tunekin.settings import Settings, names_of
from tunekin_classifier.__main__ import ROOTS as CLASSIFIER
from tunekin_cli.app import app
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_embedded.settings import GROUPS
from tunekin_embedded.subsonic.settings import SubsonicSettings
from tunekin_featurizer.__main__ import ROOTS as FEATURIZER
from tunekin_ingest.__main__ import ROOTS as INGEST
from tunekin_ranker.__main__ import ROOTS as RANKER
from tunekin_telegram.settings import TelegramSettings
from tunekin_web.settings import WebSettings

DOCS = Path(__file__).parents[2] / "docs"
ROOTS: dict[str, Root] = {
    "tunekin-ingest decode": INGEST["decode"],
    "tunekin-ingest write": INGEST["write"],
    "tunekin-featurizer": FEATURIZER,
    "tunekin-classifier": CLASSIFIER,
    "tunekin-ranker rank": RANKER["rank"],
    "tunekin-ranker merge": RANKER["merge"],
}


def first_column(page: str) -> set[str]:
    """Names in backticks that begin the rows of a page's tables."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([^`]+)`", text, flags=re.MULTILINE))


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command with its options."""

    def walk(group: object, path: list[str]) -> Iterator[tuple[str, list[str]]]:
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                yield from walk(command, [*path, name])
            else:
                options = [
                    option for parameter in command.params for option in parameter.opts if option.startswith("-")
                ]
                yield " ".join([*path, name]), [option for option in options if option not in {"-h", "--help"}]

    return walk(typer.main.get_command(app), ["tunekin"])


def test_every_setting_is_documented_and_nothing_else() -> None:
    groups: set[type[Settings]] = {
        *GROUPS,
        SubsonicSettings,
        TelegramSettings,
        WebSettings,
        *SERVER_GROUPS,
        *(group for root in ROOTS.values() for group in root.groups),
    }
    assert first_column("settings.md") == {name for group in groups for name in names_of(group)}


def test_every_error_code_is_documented_and_nothing_else() -> None:
    classes = [getattr(errors, name) for name in errors.__all__]
    assert first_column("errors.md") == {error.code for error in classes if issubclass(error, TunekinError)}


@pytest.mark.parametrize(
    ("command", "options"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_its_options_are_documented(command: str, options: list[str]) -> None:
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    sections = re.findall(rf"^## `{command}\b.*?(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert len(sections) == 1
    (section,) = sections
    assert not [option for option in options if option not in section]
