"""Decode files of strangers in jailed processes.

The service itself never parses encoded sound: `tunekin_ingest.adapters.decoding_server` forks a child for each file,
which gives up everything but memory and processor time (`tunekin_ingest.adapters.jail`) before it reads the first byte.
So a file that crashes, floods or takes over its decoder harms one short-lived process, which can reach nothing.
"""

import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from types import TracebackType
from typing import Final, Self

import msgspec
import numpy as np

from tunekin import errors
from tunekin.errors import DecoderLimitError, DependencyError, InputError, OptionError, UndecodableAudioError
from tunekin_ingest.adapters.decoding_protocol import (
    LENGTH_BYTES,
    MESSAGE_BYTES,
    OUT_OF_MEMORY,
    Ending,
    Hello,
    Problem,
    Request,
    Sound,
    write_all,
)
from tunekin_ingest.audio import SAMPLE_RATE_HZ, AudioSource, DecodeLimits, Pcm
from tunekin_ingest.sniff import sniff

__all__ = ["SandboxedDecoder"]

# Loading the libraries takes a third of a second; a cold disk under load takes its time.
_START_S: Final = 60.0
# The decoding process kills a late child itself; if it has not by then, it hangs.
_GRACE_S: Final = 2.0
# It hangs up by itself when the service does; nobody waits longer than this for it.
_STOP_S: Final = 2.0
# At first and once more: a decoding process may be killed by accident, hardly twice over the same file.
_ATTEMPTS: Final = 2

_ERRORS: Final = {
    error.code: error
    for error in (getattr(errors, name) for name in errors.__all__)
    if issubclass(error, InputError)
}  # fmt: skip


class _ServerGoneError(Exception):
    """The decoding process has died or hangs."""


class _Server:
    """One running decoding process and the socket to it."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Its own session, so that no signal of a terminal reaches it. Nothing of the service's environment but the
            # search path, so that no secret does; and one thread of linear algebra, so that it may fork.
            self._process = subprocess.Popen(  # noqa: S603, this interpreter and this package
                [
                    sys.executable,
                    "-I",
                    "-m",
                    "tunekin_ingest.adapters.decoding_server",
                    str(theirs.fileno()),
                    msgspec.json.encode(asdict(limits)).decode("ascii"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", os.defpath), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            self.layers = self._greeting()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def _greeting(self) -> tuple[str, ...]:
        self._control.settimeout(_START_S)
        try:
            message = self._control.recv(MESSAGE_BYTES)
        except TimeoutError:
            self._process.kill()
            raise DependencyError(f"the decoding process was not ready after {_START_S:g} s") from None
        except ConnectionError:
            message = b""
        if not message:
            status = self._process.wait()
            raise DependencyError(
                f"the decoding process ended at its start with status {status}",
                hint="its error output says why; it needs the extra `ingest` installed",
            )
        # From here on the socket only sends; it is full for longer than this only if nobody reads it.
        self._control.settimeout(_GRACE_S)
        return msgspec.json.decode(message, type=Hello).layers

    def send(self, request: Request, file_fd: int, answer_fd: int, ending_fd: int) -> None:
        """Hand a request over, with its descriptors."""
        try:
            socket.send_fds(self._control, [msgspec.json.encode(request)], [file_fd, answer_fd, ending_fd])
        except OSError as error:
            raise _ServerGoneError from error

    def close(self) -> None:
        """Hang up, which ends the decoding process and its children."""
        self._control.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the decoding process, which its children do not outlive."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class SandboxedDecoder:
    """Decode encoded files to mono PCM, each in a process of its own that can do nothing else.

    A context manager; entering starts the decoding process, leaving ends it and whatever it does. Several threads may
    decode at once. If the decoding process dies or hangs, it is started anew, and the decode tried once more.

    Parameters
    ----------
    limits : DecodeLimits
        What one decode may cost and yield.
    """

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._closed = False

    def __enter__(self) -> Self:
        self._running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the decoding process, and with it what is under way; the decoder is of no more use."""
        with self._lock:
            server, self._server, self._closed = self._server, None, True
        if server is not None:
            server.close()

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of `tunekin_ingest.adapters.jail` that hold on this system, for the log."""
        return self._running().layers

    @property
    def server_pid(self) -> int:
        """Process id of the decoding process, for supervision."""
        return self._running().pid

    def decode(self, data: bytes, *, start_s: float | None = None, duration_s: float | None = None) -> Pcm:
        """Decode a file, or a span of it.

        1. Check the options, the size and the kind of file, which takes no decoder.
        2. Ask the decoding process; if it is gone, start another and ask once more.
        3. Hold its answer against the limits, and return the sound or raise the error that it names.

        Parameters
        ----------
        data : bytes
            The encoded file, of a kind in `tunekin_ingest.sniff.Container`; of a film the sound is taken.
        start_s : float, optional
            Where the span starts, in seconds of sound; by default at the beginning.
        duration_s : float, optional
            Length of the span, in seconds; by default the rest. Where the file ends earlier, the span does.

        Returns
        -------
        Pcm
            The sound, mono at `tunekin_ingest.audio.SAMPLE_RATE_HZ`.

        Raises
        ------
        EmptyAudioError
            If there are no bytes.
        AudioTooLargeError
            If there are too many.
        UnknownFormatError
            If this is no sound file of a kind that is read.
        UndecodableAudioError
            If it is broken, holds no sound, or crashes its decoder.
        AudioTooLongError, AudioTooShortError
            If it, or the span, holds more or less sound than the limits say.
        SilentAudioError
            If there is nothing to hear.
        DecoderLimitError
            If decoding takes more memory or time than the limits say.
        OptionError
            If the span is impossible, or starts behind the file's end.
        DependencyError
            If no decoding process can be started just now; worth another attempt.
        """
        # Step 1
        self._check_span(start_s=start_s, duration_s=duration_s)
        container = sniff(data, max_bytes=self._limits.max_bytes)
        request = Request(container=container.value, start_s=start_s, duration_s=duration_s)
        # Steps 2 and 3
        for _ in range(_ATTEMPTS):
            server = self._running()
            try:
                return self._ask(server, data, request)
            except _ServerGoneError:
                self._discard(server)
        raise DecoderLimitError(
            f"the decoding process died {_ATTEMPTS} times over this {container.value} file",
            hint="encode it anew with a common program",
        )

    def _check_span(self, *, start_s: float | None, duration_s: float | None) -> None:
        """Refuse a span that no file can have."""
        if start_s is not None and not (math.isfinite(start_s) and start_s >= 0):
            raise OptionError(f"start_s is {start_s}; it must be a number of seconds, 0 or more")
        if duration_s is not None and not (math.isfinite(duration_s) and duration_s >= self._limits.min_duration_s):
            raise OptionError(
                f"duration_s is {duration_s}; it must be a number of seconds, {self._limits.min_duration_s:g} or more",
            )

    def _running(self) -> _Server:
        """Return the decoding process, started if there is none."""
        with self._lock:
            if self._closed:
                raise RuntimeError("this decoder is closed")
            if self._server is None:
                self._server = _Server(self._limits)
            return self._server

    def _discard(self, server: _Server) -> None:
        """End a decoding process that is gone or hangs, unless another thread already has."""
        with self._lock:
            if server is not self._server:
                return
            self._server = None
        server.kill()

    def _ask(self, server: _Server, data: bytes, request: Request) -> Pcm:
        """Have one file decoded."""
        deadline_s = time.monotonic() + self._limits.wall_s + _GRACE_S
        with _Pipe() as answer, _Pipe() as ending:
            file_fd = os.memfd_create("encoded")
            try:
                write_all(file_fd, data)
                os.lseek(file_fd, 0, os.SEEK_SET)
                server.send(request, file_fd, answer.writing, ending.writing)
            finally:
                os.close(file_fd)
            answer.close_writing()
            ending.close_writing()
            try:
                return self._received(answer, request, deadline_s)
            except EOFError:
                raise self._explained(ending.read_all(MESSAGE_BYTES, deadline_s), request) from None

    def _received(self, answer: "_Pipe", request: Request, deadline_s: float) -> Pcm:
        """Read an answer and check all of it; `EOFError` if there is none."""
        length = int.from_bytes(answer.read(LENGTH_BYTES, deadline_s), "big")
        most_bytes = 2 * math.ceil(self._limits.max_duration_s * SAMPLE_RATE_HZ)
        try:
            if length > MESSAGE_BYTES:
                raise msgspec.ValidationError(f"an answer of {length} bytes")
            head = msgspec.json.decode(answer.read(length, deadline_s), type=Sound | Problem)
            if isinstance(head, Problem):
                raise _ERRORS[head.code](head.message, hint=head.hint)
            if head.pcm_bytes > most_bytes:
                raise msgspec.ValidationError(f"{head.pcm_bytes} bytes of sound")
        except (msgspec.DecodeError, KeyError) as error:
            raise UndecodableAudioError(
                f"the decoder of this {request.container} file answered nonsense ({error})",
                hint="do not trust this file: it may have taken the decoder over",
            ) from error
        samples = np.frombuffer(answer.read(head.pcm_bytes, deadline_s), dtype="<i2").astype(np.int16, copy=False)
        samples.flags.writeable = False
        source = AudioSource(
            container=request.container,
            codec=head.codec,
            channels=head.channels,
            sample_rate_hz=head.sample_rate_hz,
            duration_s=head.duration_s,
            tags=head.tags,
        )
        return Pcm(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ, source=source)

    def _explained(self, message: bytes, request: Request) -> InputError | DependencyError | _ServerGoneError:
        """Say why there was no answer."""
        if not message:
            return _ServerGoneError()
        ending = msgspec.json.decode(message, type=Ending)
        if ending.how == "unborn":
            return DependencyError(f"the system has no room for a decoding process: {os.strerror(ending.number)}")
        file, limits = f"this {request.container} file", self._limits
        limit_reached = {
            ("late", signal.SIGKILL): f"decoding {file} took more than {limits.wall_s:g} s",
            ("signal", signal.SIGXCPU): f"decoding {file} took more than {limits.cpu_s} s of processor time",
            ("signal", signal.SIGKILL): f"the decoder of {file} was killed, as where the system runs out of memory",
            ("exit", OUT_OF_MEMORY): f"{file} takes more than {limits.memory_bytes:,} bytes of memory to decode",
        }.get((ending.how, ending.number))
        hint = "encode it anew with a common program"
        if limit_reached is not None:
            return DecoderLimitError(limit_reached, hint=hint)
        return UndecodableAudioError(f"{file} is broken: its decoder crashed ({ending.how} {ending.number})", hint=hint)


class _Pipe:
    """A pipe, read with a deadline."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._reading, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_writing()
        os.close(self._reading)

    def close_writing(self) -> None:
        """Leave the writing end to the other side, so that its end is the pipe's."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    def read(self, size: int, deadline_s: float) -> bytearray:
        """Read so many bytes; `EOFError` if the pipe ends before."""
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            self._wait(deadline_s)
            count = os.readv(self._reading, [rest])
            if not count:
                raise EOFError
            rest = rest[count:]
        return data

    def read_all(self, most: int, deadline_s: float) -> bytes:
        """Read to the end."""
        data = b""
        while len(data) < most:
            self._wait(deadline_s)
            part = os.read(self._reading, most - len(data))
            if not part:
                break
            data += part
        return data

    def _wait(self, deadline_s: float) -> None:
        wait_ms = 1_000 * max(0.0, deadline_s - time.monotonic())
        if not self._poll.poll(wait_ms):
            raise _ServerGoneError
