"""The blob store: what goes in comes out, checked; nothing else is reachable."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.blobs import FsspecBlobStore, is_within
from tunekin.errors import AudioTooLargeError, DependencyError, MessageError
from tunekin.ports import ClaimCheck


@pytest.fixture
def store(tmp_path: Path) -> FsspecBlobStore:
    (tmp_path / "music").mkdir()
    return FsspecBlobStore((tmp_path / "blobs").as_uri(), readable=[(tmp_path / "music").as_uri()])


def test_a_value_comes_out_as_it_went_in_until_it_is_deleted(store: FsspecBlobStore) -> None:
    claim = store.put(b"\x00\xff")
    assert store.get(claim, max_bytes=2) == b"\x00\xff"
    store.delete(claim)
    with pytest.raises(MessageError, match="can't be read"):
        store.get(claim, max_bytes=2)


def test_a_file_is_read_whatever_bytes_its_name_has(store: FsspecBlobStore, tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/music/caf\xe9.mp3"))
    file.write_bytes(b"sound")
    assert store.get(ClaimCheck(uri=file.as_uri()), max_bytes=5) == b"sound"
    assert not is_within(file.as_uri(), (tmp_path / "music" / "caf\N{REPLACEMENT CHARACTER}.mp3").as_uri())


def test_only_old_values_of_the_store_itself_are_listed(store: FsspecBlobStore, tmp_path: Path) -> None:
    old, young = store.put(b"123"), store.put(b"45")
    for name in (old.uri.rpartition("/")[2], "notes.txt"):
        file = tmp_path / "blobs" / name
        file.touch()
        os.utime(file, (1_000.0, 1_000.0))
    assert list(store.kept(before_s=2_000.0)) == [ClaimCheck(uri=old.uri, size_bytes=3)]
    assert {claim.uri for claim in store.kept(before_s=4e9)} == {old.uri, young.uri}
    store.delete(old)
    assert list(store.kept(before_s=2_000.0)) == []
    assert list(FsspecBlobStore((tmp_path / "nowhere").as_uri()).kept(before_s=4e9)) == []


def test_a_value_longer_than_allowed_is_refused(store: FsspecBlobStore) -> None:
    with pytest.raises(AudioTooLargeError, match="more than 1 bytes"):
        store.get(store.put(b"ab"), max_bytes=1)


def test_a_value_that_changed_is_refused(store: FsspecBlobStore, tmp_path: Path) -> None:
    file = tmp_path / "music" / "노래.flac"
    file.write_bytes(b"new")
    for claim in (
        ClaimCheck(uri=file.as_uri(), size_bytes=7),
        ClaimCheck(uri=file.as_uri(), sha256="0" * 64),
    ):
        with pytest.raises(MessageError) as caught:
            store.get(claim, max_bytes=10)
        assert "the file changed" in caught.value.hint


def test_files_of_others_are_never_deleted(store: FsspecBlobStore, tmp_path: Path) -> None:
    file = tmp_path / "music" / "a.flac"
    file.write_bytes(b"x")
    store.delete(ClaimCheck(uri=file.as_uri()))
    assert file.exists()


def test_a_path_that_leaves_its_prefix_is_outside(store: FsspecBlobStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    for path in ("/music/../secret", "/music/%2e%2e/secret"):
        with pytest.raises(MessageError, match="outside"):
            store.get(ClaimCheck(uri=tmp_path.as_uri() + path), max_bytes=10)


@given(st.lists(st.sampled_from(["a", "..", ".", "%2e%2e", "b c"]), max_size=6))
def test_a_uri_is_within_a_prefix_only_if_walking_it_ends_there(steps: list[str]) -> None:
    place = ["music"]
    for step in steps:
        if step in {"..", "%2e%2e"}:
            del place[-1:]
        elif step != ".":
            place.append(step)
    uri = "/".join(["file:///music", *steps])
    assert is_within(uri, "file:///music") == (place[:1] == ["music"])


@pytest.mark.parametrize(
    "uri", ["file:///musical", "file://host/music", "http:///music", "file:///music/a?b", "file:///music#c", ""]
)
def test_another_place_is_not_within(uri: str) -> None:
    assert not is_within(uri, "file:///music")


def test_a_store_that_holds_more_than_it_may_asks_to_wait_until_it_is_worked_off(store: FsspecBlobStore) -> None:
    store.check_room(limit_bytes=0)
    claims = [store.put(b"x" * 10) for _ in range(3)]
    store.check_room(limit_bytes=30)
    with pytest.raises(DependencyError, match="holds 30 bytes, more than 29"):
        store.check_room(limit_bytes=29)
    store.delete(claims[0])
    store.check_room(limit_bytes=29)
