import ast
import re
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, repository_files, text_of

# A model or a golden file beyond this belongs into a release, not into every clone.
MAX_BYTES = 2_000_000
SOUND = {".aac", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".weba", ".webm", ".wma"}
# Each of them runs code that a file names.
UNSAFE_TO_LOAD = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
ALLOWED_INDEX = "https://download.pytorch.org/whl/cpu"
INDEX = re.compile(
    r"--(?:extra-)?index-url|--find-links[ =]|py(?:pi|thonhosted)[.]org|https?://\S*/simple\b|https?://\S*/whl\b\S*"
)
MACHINE = re.compile(r"(?<![\w.}])/(?:root|work|farm)/")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{relative(path)}:{number}: {found.group()}"
        for path in repository_files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if (found := pattern.search(line.replace(ALLOWED_INDEX, "")))
    ]


def imported_modules(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(text_of(path))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_no_file_names_a_package_index_but_that_of_pytorch():
    assert lines_with(INDEX) == []


def test_no_file_names_a_path_of_the_machine_that_made_it():
    assert lines_with(MACHINE) == []


def test_no_sound_file_is_in_the_repository():
    assert [relative(path) for path in repository_files() if path.suffix.lower() in SOUND] == []


def test_no_file_is_too_large_for_every_clone():
    assert [relative(path) for path in repository_files() if path.stat().st_size > MAX_BYTES] == []


def test_no_module_can_load_code_from_data():
    found = {
        relative(path): unsafe
        for path in repository_files()
        if path.suffix == ".py"
        and (unsafe := {name.partition(".")[0] for name in imported_modules(path)} & UNSAFE_TO_LOAD)
    }
    assert found == {}
    assert lines_with(re.compile(r"allow_pickle\s*=\s*True|weights_only\s*=\s*False")) == []


def test_every_package_ships_its_types():
    packages = [
        path.parent
        for path in repository_files()
        if re.fullmatch(r"tunekin\w*/__init__\.py", "/".join(path.parts[-2:]))
    ]
    assert packages
    assert [relative(package) for package in packages if not (package / "py.typed").is_file()] == []


@pytest.mark.parametrize("name", ["LICENSE", "CHANGELOG.md", "README.md"])
def test_a_clone_explains_itself(name):
    assert (ROOT / name).read_text().strip()
