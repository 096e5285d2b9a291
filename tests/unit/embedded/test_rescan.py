"""What has become of the files of a catalogue."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.catalogue.records import Source
from tunekin.messages import Track
from tunekin_embedded.rescan import DISK, Plan, named, names_of, plan
from tunekin_embedded.sound_files import track_id

HEARD_MS = 10_000_000_000
LATER_MS = HEARD_MS + 1
LONG_BEFORE_MS = HEARD_MS - 90_000_000


class Files:
    """Files by URI: when they were changed, and what is in them."""

    def __init__(self, **files: tuple[float, str]) -> None:
        self._files = {uri(name): file for name, file in files.items()}
        self.hashed: list[str] = []

    def changed_ms(self, uri: str) -> float | None:
        return self._files[uri][0] if uri in self._files else None

    def sha256(self, uri: str) -> str | None:
        self.hashed.append(uri)
        return self._files[uri][1] if uri in self._files else None


def uri(name: str) -> str:
    return f"file:///music/{name}"


def source(name: str, content: str, *, place: str | None = None) -> Source:
    return Source(track_id(uri(name)), uri(place or name), content, HEARD_MS)


def track(name: str) -> Track:
    return Track(track_id=track_id(uri(name)), source_uri=uri(name))


def planned(held: list[Source], found: list[str], files: Files, *, thorough: bool = False) -> Plan:
    tracks = [track(name) for name in found]
    return plan(held, tracks, elsewhere=lambda: tracks, files=files, thorough=thorough)


def test_what_is_as_it_was_is_not_even_read() -> None:
    files = Files(a=(LONG_BEFORE_MS, "A"))
    assert planned([source("a", "A")], ["a"], files) == Plan(hear=[], move={}, gone=[], same=1)
    assert files.hashed == []
    planned([source("a", "A")], ["a"], files, thorough=True)
    assert files.hashed == [uri("a")]


@pytest.mark.parametrize("when_ms", [LATER_MS, HEARD_MS, HEARD_MS - 3_600_000])
def test_a_file_that_may_have_changed_is_compared_by_its_bytes(when_ms: int) -> None:
    assert planned([source("a", "A")], ["a"], Files(a=(when_ms, "A"))).same == 1
    changed = planned([source("a", "A")], ["a"], Files(a=(when_ms, "B")))
    assert (changed.hear, changed.same) == ([track("a")], 0)


def test_a_moved_file_keeps_its_id() -> None:
    made = planned([source("a", "A")], ["b"], Files(b=(LATER_MS, "A")))
    assert made == Plan(hear=[], move={track_id(uri("a")): uri("b")}, gone=[], same=0)


def test_a_file_that_is_nowhere_is_gone_and_another_is_new() -> None:
    made = planned([source("a", "A")], ["b"], Files(b=(LATER_MS, "B")))
    assert made == Plan(hear=[track("b")], move={}, gone=[source("a", "A")], same=0)


def test_two_files_of_one_content_are_moved_each_to_one_place() -> None:
    made = planned([source("a", "A"), source("b", "A")], ["c", "d", "e"], Files(**dict.fromkeys("cde", (1.0, "A"))))
    assert set(made.move) == {track_id(uri("a")), track_id(uri("b"))}
    assert len(set(made.move.values())) == 2
    assert [one.source_uri for one in made.hear] == list({uri("c"), uri("d"), uri("e")} - set(made.move.values()))


def test_what_lies_on_other_machines_is_passed_over() -> None:
    far = Source("x", "https://radio.example/x", "X", HEARD_MS)
    assert planned([far], [], Files()) == Plan(hear=[], move={}, gone=[], same=0)


@given(
    before=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("ABC")),
    after=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("ABC")),
)
def test_every_track_and_every_file_is_accounted_for_once(before: dict[str, str], after: dict[str, str]) -> None:
    files = Files(**{name: (LATER_MS, content) for name, content in after.items()})
    made = planned([source(name, content) for name, content in before.items()], sorted(after), files)
    heard = [one.source_uri for one in made.hear]
    same = [uri(name) for name in before.keys() & after.keys() if before[name] == after[name]]
    assert made.same == len(same)
    assert sorted([*same, *heard, *made.move.values()]) == sorted(map(uri, after))
    assert len(made.gone) + len(made.move) == len(before.keys() - after.keys())


def test_a_moved_file_keeps_its_name_and_the_next_one_in_its_old_place_gets_another() -> None:
    names = names_of([source("a", "A", place="b"), source("c", "C")])
    taken = set(names.values())
    assert names == {uri("b"): track_id(uri("a"))}
    assert named(track("b"), names, taken).track_id == track_id(uri("a"))
    assert named(track("c"), names, taken) == track("c")
    other = named(track("a"), names, taken)
    assert other.source_uri == uri("a")
    assert other.track_id not in {track_id(uri("a")), track_id(uri("b"))}
    assert names_of([Source(other.track_id, other.source_uri, "A", 0)]) == {uri("a"): other.track_id}


def test_the_disk_knows_files_only(tmp_path: Path) -> None:
    file = tmp_path / "a.mp3"
    assert (DISK.changed_ms(file.as_uri()), DISK.sha256(file.as_uri())) == (None, None)
    assert DISK.changed_ms(tmp_path.as_uri()) is None
    file.write_bytes(b"1")
    changed_ms, sha256 = DISK.changed_ms(file.as_uri()), DISK.sha256(file.as_uri())
    assert changed_ms is not None
    assert sha256 is not None
    assert len(sha256) == 64
