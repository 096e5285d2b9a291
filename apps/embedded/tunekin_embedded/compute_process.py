"""Features in a process of its own, so that a bulk load uses every processor.

A worker thread of the embedded pipeline owns one `ComputeProcess`. The two speak in frames over pipes: a length, then
the value of an internal record. The child ends when its pipe closes, so nothing is left behind when the parent dies.
"""

import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from tunekin import codec
from tunekin.messages import Audio, Message
from tunekin.ports import Record
from tunekin.process_pool import ONE_THREAD
from tunekin.service import Handler

__all__ = ["ComputeProcess", "serve"]

_LENGTH = struct.Struct("<BQ")
_DONE, _FAILED = 0, 1


class ComputeProcess:
    """A featurizer in a child process.

    Starts the child at the first message and anew after it died; the message that it died of fails. Tracks only: a
    listener's clip is not worth a child's start.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the child; unset before it is started."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the child, so that it is warm when the first message comes."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tunekin_embedded.compute"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | ONE_THREAD,
                # Ctrl-C at a terminal is for the parent, which ends its children in order.
                start_new_session=True,
            )

    def handle(self, message: Audio) -> Iterator[Message]:
        """Compute the features of a message's sound.

        Parameters
        ----------
        message : Audio
            Sound of a track.

        Yields
        ------
        Features
            What the featurizer's own handler makes of it.

        Raises
        ------
        RuntimeError
            The child failed or died.
        """
        with self._lock:
            self.start()
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                msg = "the compute process has no pipes"
                raise RuntimeError(msg)
            try:
                _write(process.stdin, _DONE, codec.encode(message).value or b"")
                status, value = _read(process.stdout)
            except (OSError, EOFError) as error:
                exit_code = self._end()
                msg = f"the compute process ended with exit code {exit_code}"
                raise RuntimeError(msg) from error
        if status == _FAILED:
            raise RuntimeError(value.decode())
        yield codec.decode(Record(topic="tracks.features", key=None, value=value))

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._process is not None:
                self._end()

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # Closing flushes, and there may be nobody left to read it.
                try:
                    pipe.close()
                except OSError:
                    continue
        return process.wait()


def serve(handle: Handler, source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer messages until the pipe closes.

    Parameters
    ----------
    handle : Handler
        The featurizer's handler.
    source, sink : file
        Pipes to read from and write to.
    """
    while True:
        try:
            _, value = _read(source)
        except EOFError:
            return
        try:
            (features,) = handle(codec.decode(Record(topic="tracks.audio", key=None, value=value)))
            _write(sink, _DONE, codec.encode(features).value or b"")
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent fails this one message
            _write(sink, _FAILED, f"{type(error).__name__}: {error}".encode())


def _write(pipe: IO[bytes], status: int, value: bytes) -> None:
    pipe.write(_LENGTH.pack(status, len(value)))
    pipe.write(value)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[int, bytes]:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    status, length = _LENGTH.unpack(head)
    value = pipe.read(length)
    if len(value) < length:
        raise EOFError
    return status, value
