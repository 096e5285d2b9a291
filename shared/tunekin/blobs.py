"""Blob store on any file system that fsspec knows: a folder, S3, HTTP.

Values too large for a record are put under one root with a new name each. Values that others refer to are fetched only
from configured prefixes.
"""

import contextlib
import hashlib
import os
import posixpath
import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import fsspec

from tunekin.errors import AudioTooLargeError, DependencyError, MessageError
from tunekin.ports import ClaimCheck

# As `uuid.UUID.hex` writes them.
_NAME = re.compile(r"[0-9a-f]{32}")

__all__ = ["FsspecBlobStore", "is_within"]


def is_within(uri: str, prefix: str) -> bool:
    """Whether a URI lies at or below a prefix, once ``.``, ``..`` and escapes are resolved.

    Parameters
    ----------
    uri : str
        Absolute URI.
    prefix : str
        Absolute URI of a folder or bucket.

    Returns
    -------
    bool
        False also for a URI with a user name, a query or a fragment, which could lead elsewhere.

    Examples
    --------
    >>> is_within("file:///music/a/b.flac", "file:///music")
    True
    >>> is_within("file:///music/../etc/passwd", "file:///music")
    False
    >>> is_within("file:///musical/b.flac", "file:///music")
    False
    """
    asked, allowed = urlsplit(uri), urlsplit(prefix)
    if asked.scheme != allowed.scheme or asked.netloc != allowed.netloc:
        return False
    if asked.query or asked.fragment or asked.username:
        return False
    path = posixpath.normpath(_plain(asked.path) or "/")
    root = posixpath.normpath(_plain(allowed.path) or "/")
    return path == root or path.startswith(root.rstrip("/") + "/")


def _plain(path: str) -> str:
    """Path of a URI without its escapes; a name of a file may hold any bytes, also such as are no UTF-8."""
    return os.fsdecode(unquote_to_bytes(path))


def _locate(uri: str) -> tuple[Any, str]:
    """File system and path of a URI; fsspec takes the path of a ``file:`` URI as it stands, escapes and all."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return fsspec.filesystem("file"), _plain(parts.path)
    fs, path = fsspec.url_to_fs(uri)
    return fs, path


class FsspecBlobStore:
    """Blobs under one root URI, and reading from other prefixes.

    Parameters
    ----------
    root : str
        URI of the folder or bucket for blobs of our own, such as ``file:///var/lib/tunekin/blobs``.
    readable : sequence of str
        URI prefixes from which values may be fetched besides.
    """

    def __init__(self, root: str, *, readable: Sequence[str] = ()) -> None:
        self._root = root.rstrip("/")
        self._readable = (self._root, *readable)

    def put(self, value: bytes) -> ClaimCheck:
        """Store a value under a new name.

        Parameters
        ----------
        value : bytes
            What to keep.

        Returns
        -------
        ClaimCheck
            Where it is, its hash and its size.

        Raises
        ------
        DependencyError
            The store can't be written.
        """
        uri = f"{self._root}/{uuid.uuid4().hex}"
        try:
            fs, path = _locate(uri)
            fs.makedirs(fs._parent(path), exist_ok=True)  # noqa: SLF001 - fsspec's own way to say it
            fs.pipe_file(path, value)
        except OSError as error:
            msg = f"the blob store {self._root} can't be written: {error}"
            raise DependencyError(msg, hint="grant the rights, or correct TUNEKIN_BLOBS_ROOT") from error
        return ClaimCheck(uri=uri, sha256=hashlib.sha256(value).hexdigest(), size_bytes=len(value))

    def get(self, claim: ClaimCheck, *, max_bytes: int) -> bytes:
        """Fetch a value and check it against the claim.

        Parameters
        ----------
        claim : ClaimCheck
            Which value.
        max_bytes : int
            Most that is read.

        Returns
        -------
        bytes
            The value.

        Raises
        ------
        MessageError
            The URI is outside the allowed prefixes, nothing is there, or it is not what the claim says.
        AudioTooLargeError
            The value is longer than `max_bytes`.
        DependencyError
            The store can't be reached.
        """
        if not any(is_within(claim.uri, prefix) for prefix in self._readable):
            msg = f"{claim.uri!r} is outside the places from which sound may be fetched"
            raise MessageError(msg, hint=f"allowed: {', '.join(self._readable[1:]) or 'none is configured'}")
        try:
            fs, path = _locate(claim.uri)
            with fs.open(path, "rb") as file:
                value = bytes(file.read(max_bytes + 1))
        except (FileNotFoundError, IsADirectoryError, PermissionError, ValueError, ImportError) as error:
            msg = f"{claim.uri!r} can't be read: {error}"
            raise MessageError(msg, hint="publish it again with a URI that this worker can read") from error
        except OSError as error:
            msg = f"{claim.uri!r} can't be fetched now: {error}"
            raise DependencyError(msg) from error
        if len(value) > max_bytes:
            msg = f"{claim.uri!r} has more than {max_bytes} bytes"
            raise AudioTooLargeError(msg, hint="send a shorter or a compressed recording")
        if claim.size_bytes is not None and claim.size_bytes != len(value):
            msg = f"{claim.uri!r} has {len(value)} bytes, its record says {claim.size_bytes}"
            raise MessageError(msg, hint="the file changed after it was published; publish it again")
        if claim.sha256 and claim.sha256 != hashlib.sha256(value).hexdigest():
            msg = f"{claim.uri!r} does not have the SHA-256 that its record says"
            raise MessageError(msg, hint="the file changed after it was published; publish it again")
        return value

    def check_room(self, *, limit_bytes: int) -> None:
        """See that what lies under the root is being worked off.

        Parameters
        ----------
        limit_bytes : int
            Most that may lie there.

        Raises
        ------
        DependencyError
            There is more, or the store can't be read.
        """
        fs, path = _locate(self._root)
        try:
            held_bytes = fs.du(path) if fs.exists(path) else 0
        except OSError as error:
            msg = f"the blob store {self._root} can't be read: {error}"
            raise DependencyError(msg) from error
        if held_bytes > limit_bytes:
            msg = f"the blob store {self._root} holds {held_bytes} bytes, more than {limit_bytes}"
            raise DependencyError(msg, hint="it waits for the featurizer; add workers, or purge dead letters")

    def kept(self, *, before_s: float) -> Iterator[ClaimCheck]:
        """List the values of this store.

        Parameters
        ----------
        before_s : float
            Time of day in seconds since 1970; values that were put later are left out.

        Yields
        ------
        ClaimCheck
            Where each is, and its size. Files that were not put by a store like this one are passed over.

        Raises
        ------
        DependencyError
            The store can't be read.
        """
        fs, folder = _locate(self._root)
        try:
            found = fs.find(folder, maxdepth=1, detail=True) if fs.exists(folder) else {}
            for path, facts in sorted(found.items()):
                name = posixpath.basename(path)
                # A value may be deleted this moment.
                with contextlib.suppress(FileNotFoundError):
                    if _NAME.fullmatch(name) and fs.modified(path).timestamp() < before_s:
                        yield ClaimCheck(uri=f"{self._root}/{name}", size_bytes=facts["size"])
        except OSError as error:
            msg = f"the blob store {self._root} can't be read: {error}"
            raise DependencyError(msg) from error

    def delete(self, claim: ClaimCheck) -> None:
        """Forget a value that this store made; others are left alone.

        Parameters
        ----------
        claim : ClaimCheck
            Which value.
        """
        if is_within(claim.uri, self._root):
            fs, path = _locate(claim.uri)
            if fs.exists(path):
                fs.rm_file(path)
