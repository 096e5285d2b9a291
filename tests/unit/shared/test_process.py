"""How a worker's process begins and ends."""

import time

import pytest
import structlog

from tunekin import process
from tunekin.errors import DependencyError, ModelError, SettingsError
from tunekin.process import EXIT_SETTINGS, EXIT_STUCK, EXIT_UNAVAILABLE, Root, chosen, group_of, run
from tunekin.process_settings import CatalogueSettings
from tunekin.service import Service
from tunekin.worker import Worker


def refuse(error: Exception) -> Root:
    """A composition root that can't put its role together."""

    def compose(_):
        raise error

    return Root(compose=compose, settings=(CatalogueSettings,))


def a_root(*, has_lanes: bool) -> Root:
    """A composition root that nobody calls."""
    return Root(compose=refuse(AssertionError()).compose, has_lanes=has_lanes)


def exit_code_of(root: Root, *arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        run("tunekin-test", root, arguments=arguments)
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("wrong", hint="right"), EXIT_SETTINGS),
        (ModelError("damaged"), EXIT_SETTINGS),
        (DependencyError("gone"), EXIT_UNAVAILABLE),
    ],
)
def test_the_exit_code_tells_whether_it_helps_to_start_anew(error, code, capsys):
    assert exit_code_of(refuse(error)) == code
    assert error.message in capsys.readouterr().err


def test_a_wrong_setting_stops_the_start_and_is_named(monkeypatch, capsys):
    monkeypatch.setenv("TUNEKIN_KAFKA_PREFIX", "spaces are wrong")
    assert exit_code_of(refuse(AssertionError())) == EXIT_SETTINGS
    assert "TUNEKIN_KAFKA_PREFIX is 'spaces are wrong'" in capsys.readouterr().err


def test_a_misspelt_setting_stops_the_start_and_those_of_other_programs_do_not(monkeypatch, capsys):
    monkeypatch.setenv("TUNEKIN_RANKER_SHORTLIST_SIZE", "3")
    monkeypatch.setenv("TUNEKIN_HOME", "/nowhere")
    assert exit_code_of(refuse(DependencyError("gone"))) == EXIT_UNAVAILABLE
    monkeypatch.setenv("TUNEKIN_KAFKA_PREFIXX", "x")
    assert exit_code_of(refuse(DependencyError("gone"))) == EXIT_SETTINGS
    assert "did you mean TUNEKIN_KAFKA_PREFIX?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--lane", "both"], ["clips"]])
def test_a_lane_has_to_be_chosen_where_there_are_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        chosen("tunekin-test", a_root(has_lanes=True), arguments)
    assert caught.value.code == 2
    assert "--lane" in capsys.readouterr().err


def test_the_command_line_chooses_role_and_lane():
    decode, write = a_root(has_lanes=True), a_root(has_lanes=False)
    roots = {"decode": decode, "write": write}
    assert chosen("tunekin-ingest", roots, ["decode", "--lane", "tracks"]) == (decode, "tracks")
    assert chosen("tunekin-ingest", roots, ["write"]) == (write, None)


def test_workers_of_one_role_and_lane_share_a_group():
    service = Service(role="featurizer", topics=("clips.audio",), handle=lambda _: [])
    assert group_of(service, lane="clips") == "featurizer.clips"
    assert group_of(service, lane=None) == "featurizer"


def test_a_pass_that_takes_too_long_ends_the_process(monkeypatch):
    class EndedError(Exception):
        """Stands for the end of the process, which a test would not survive."""

    class Stuck(Worker):
        def __init__(self) -> None:
            self.began_s = time.monotonic()

        @property
        def pass_s(self) -> float:
            return time.monotonic() - self.began_s

    codes = []

    def end(code: int) -> None:
        codes.append(code)
        raise EndedError

    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr(process, "_WATCH_S", 0.01)
    with pytest.raises(EndedError):
        process._watch(Stuck(), 0.05, structlog.get_logger())
    assert codes == [EXIT_STUCK]
