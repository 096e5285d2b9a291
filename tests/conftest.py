"""What every test may use: the music, real servers, and how much Hypothesis searches."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tunekin_native.kafka import Kafka
from tunekin_native.mariadb import MariaDB
from tunekin_native.redis import Redis

if TYPE_CHECKING:
    from tests.installation import Installation

# A loaded machine makes no test fail; where nobody watches, a failure can be repeated.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("tests"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "tests")

SUFFIXES = frozenset({".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"})


@dataclass(frozen=True, kw_only=True)
class Music:
    """Music to test with.

    Attributes
    ----------
    folder : Path
        Where it lies; read-only.
    files : tuple of Path
        Its sound files, in order of their paths.
    is_real : bool
        Whether people made it; otherwise Tunekin composed it.
    """

    folder: Path
    files: tuple[Path, ...]
    is_real: bool


def sound_files(folder: Path) -> tuple[Path, ...]:
    """All sound files below `folder`, in order of their paths."""
    return tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES))


def real_music_folder() -> Path | None:
    """Folder of the real music, or None where the tests have to do with composed music."""
    named = os.environ.get("TUNEKIN_TEST_AUDIO")
    if not named:
        if os.environ.get("TUNEKIN_TEST_AUDIO_REQUIRED"):
            message = "TUNEKIN_TEST_AUDIO_REQUIRED is set, but TUNEKIN_TEST_AUDIO names no folder of real music"
            raise pytest.UsageError(message)
        return None
    folder = Path(named).expanduser().resolve()
    if not sound_files(folder):
        message = (
            f"TUNEKIN_TEST_AUDIO is {named!r}, which is no folder with sound files ({', '.join(sorted(SUFFIXES))})"
        )
        raise pytest.UsageError(message)
    return folder


def pytest_report_header() -> str:
    """Say which music the tests hear."""
    folder = real_music_folder()
    return f"music: {'composed by tunekin_demo.compose' if folder is None else f'real, from {folder}'}"


def is_installed(nodeid: str) -> bool:
    """Whether a test is one of those that need the installation: they take longest, mostly waiting."""
    return nodeid.startswith(("tests/fault/", "tests/integration/distributed/"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest."""
    items.sort(key=lambda item: is_installed(item.nodeid), reverse=True)


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # it ships no types
    """Gives each of several test processes a file at a time, and one of them all that need the installation."""

    def _split_scope(self, nodeid: str) -> str:
        return "installation" if is_installed(nodeid) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Divide tests among processes."""
    return ByFile(config, log)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what a program under test did to this process's logs, so that the next test sees its own."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def test_music(tmp_path_factory: pytest.TempPathFactory) -> Music:
    """Real music where TUNEKIN_TEST_AUDIO names a folder of it, else the catalogue that the demo composes."""
    folder = real_music_folder()
    is_real = folder is not None
    if folder is None:
        from tunekin_demo.compose import catalogue, write_catalogue  # noqa: PLC0415 -- heavy, and few tests want it

        folder = tmp_path_factory.mktemp("composed")
        assert list(write_catalogue(folder, pieces=catalogue()))
    return Music(folder=folder, files=sound_files(folder), is_real=is_real)


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A Kafka broker for all tests, so each has to use topics and groups of its own; who ends it starts it again."""
    with Kafka(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A MariaDB server for all tests, so each has to use a database of its own; who ends it starts it again."""
    with MariaDB(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis server for all tests, so each has to use keys of its own; who ends it starts it again."""
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory,
    test_music: Music,
    kafka_server: Kafka,
    mariadb_server: MariaDB,
    redis_server: Redis,
) -> Iterator["Installation"]:
    """A distributed Tunekin for all tests, so each publishes clips of its own; who ends a part starts it again."""
    from tests.installation import installed  # noqa: PLC0415 -- it imports this module

    with installed(
        tmp_path_factory.mktemp("installation"),
        test_music,
        kafka_server=kafka_server,
        mariadb_server=mariadb_server,
        redis_server=redis_server,
    ) as made:
        yield made
