import os
import pty
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PART = """\
#!/bin/sh
if [ "$1" = --list ]; then
    cat "$2"
else
    printf '%s\\n' "$*" >>"{installed}"
    exit {code}
fi
"""


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


class Parts:
    """Stand-ins for what installs something: they list a file's text, and write down that they were run."""

    def __init__(self, folder: Path, *, code: int = 0) -> None:
        self.folder = folder
        self.program = folder / "part"
        self.program.write_text(PART.format(installed=folder / "installed", code=code))
        self.program.chmod(0o755)

    def command(self, name: str, lists: str) -> str:
        (self.folder / name).write_text(lists)
        return f"{self.program} {self.folder / name}"

    def installed(self) -> list[str]:
        written = self.folder / "installed"
        return [Path(line).name for line in written.read_text().splitlines()] if written.exists() else []


def test_where_everything_is_there_nothing_is_said_and_nothing_installed(tmp_path):
    parts = Parts(tmp_path)
    done = run(ROOT / "locks" / "ask", parts.command("a", ""), parts.command("b", ""))
    assert (done.returncode, done.stdout, parts.installed()) == (0, "", [])


def test_what_is_missing_is_listed_first_and_then_installed_in_order(tmp_path):
    parts = Parts(tmp_path)
    commands = [parts.command("a", "an a\n"), parts.command("b", ""), parts.command("c", "a c\n")]
    done = run(ROOT / "locks" / "ask", *commands)
    assert (done.returncode, done.stdout, parts.installed()) == (0, "an a\na c\n", ["a", "c"])


def test_an_install_that_fails_ends_the_others_too(tmp_path):
    parts = Parts(tmp_path, code=3)
    done = run(ROOT / "locks" / "ask", parts.command("a", "an a"), parts.command("b", "a b"))
    assert (done.returncode, parts.installed()) == (3, ["a"])


@pytest.mark.parametrize(("answer", "installed"), [("\n", ["a", "b"]), ("y\n", ["a", "b"]), ("n\n", [])])
def test_on_a_terminal_one_question_is_asked_for_all(tmp_path, answer, installed):
    parts = Parts(tmp_path)
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [ROOT / "locks" / "ask", parts.command("a", "an a"), parts.command("b", "a b")],
        env={"PATH": os.environ["PATH"]},
        stdin=its_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        os.close(its_end)
        os.write(terminal, answer.encode())
        said = process.stdout.read()
    os.close(terminal)
    assert said.count("Install them?") == 1
    assert (process.returncode == 0, parts.installed()) == (bool(installed), installed)


def test_the_servers_are_installed_by_now():
    done = run(ROOT / "deploy" / "native" / "install", "--list")
    assert (done.returncode, done.stdout) == (0, "")


def test_jars_of_another_version_are_fetched_again(tmp_path):
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "pom.xml").write_text("<project/>")
    done = run(ROOT / "deploy" / "native" / "install", "--list", TUNEKIN_NATIVE_CACHE=str(tmp_path))
    assert done.returncode == 0
    assert f"{tmp_path}/kafka gets the jars of Apache Kafka" in done.stdout
