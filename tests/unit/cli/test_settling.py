"""Files that are being written."""

from pathlib import Path

import pytest

from tunekin_cli.settling import Settling, look

A, B = Path("a.mp3"), Path("b.mp3")


class Disk:
    """A clock, and files by size."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.sizes: dict[Path, int] = {A: 1, B: 1}

    def clock(self) -> float:
        return self.now_s

    def look(self, path: Path) -> object:
        return self.sizes.get(path)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def settling(disk: Disk) -> Settling:
    return Settling(quiet_s=2.0, clock=disk.clock, look=disk.look)


def test_a_file_settles_once_it_was_left_alone_for_long_enough(settling: Settling, disk: Disk) -> None:
    settling.touch([A])
    disk.now_s += 1.9
    assert settling.settled() == []
    disk.now_s += 0.1
    assert settling.settled() == [A]
    assert settling.settled() == []


def test_every_change_starts_the_wait_anew(settling: Settling, disk: Disk) -> None:
    settling.touch([A, B])
    disk.now_s += 1.5
    settling.touch([A])
    disk.now_s += 1.5
    assert settling.settled() == [B]
    disk.now_s += 0.5
    assert settling.settled() == [A]


def test_a_file_that_grows_without_anybody_telling_has_not_settled(settling: Settling, disk: Disk) -> None:
    settling.touch([A])
    disk.now_s += 2.0
    disk.sizes[A] = 2
    assert settling.settled() == []
    disk.now_s += 2.0
    assert settling.settled() == [A]


def test_a_file_that_goes_settles_too(settling: Settling, disk: Disk) -> None:
    settling.touch([A])
    del disk.sizes[A]
    disk.now_s += 2.0
    assert settling.settled() == []
    disk.now_s += 2.0
    assert settling.settled() == [A]


def test_looking_tells_a_file_that_was_written_to(tmp_path: Path) -> None:
    file = tmp_path / "a.mp3"
    assert look(file) is None
    file.write_bytes(b"1")
    before = look(file)
    file.write_bytes(b"12")
    assert look(file) != before
