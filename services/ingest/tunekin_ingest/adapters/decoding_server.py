"""The decoding process: forks a jailed child for each file.

Run as ``python -I -m tunekin_ingest.adapters.decoding_server DESCRIPTOR LIMITS`` by
`tunekin_ingest.adapters.sandboxed_decoder`, which it dies with. It loads the codec libraries once, so that a child
costs a fork and not a start, and keeps to one thread, so that forking is safe. Only children read what strangers sent,
and each reads one file. One child waits in advance, with the memory that it will touch copied already: that halves what
the sandbox adds to the decoding of a clip.
"""

import gc
import io
import math
import os
import select
import signal
import socket
import sys
import time
import wave
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import av.logging
import msgspec

from tunekin.errors import AudioTooShortError, DecoderLimitError, InputError, UndecodableAudioError
from tunekin_ingest.adapters import jail
from tunekin_ingest.adapters.decoding_protocol import (
    LENGTH_BYTES,
    MESSAGE_BYTES,
    OUT_OF_MEMORY,
    SENTENCE_LENGTH,
    Ending,
    Hello,
    Problem,
    Request,
    Sound,
    write_all,
)
from tunekin_ingest.audio import SAMPLE_RATE_HZ, DecodeLimits
from tunekin_ingest.decode import decode
from tunekin_ingest.sniff import Container

__all__ = ["main", "serve"]

# Where a child waits for its file.
_REQUEST_FD: Final = 3
# A tenth of a second goes through every step of a decode.
_WARM_UP_SAMPLES: Final = 4_410
# Descriptors are given out lowest first, so with a few a decode none is above this.
_DESCRIPTORS: Final = 65_536


@dataclass(kw_only=True)
class _Child:
    """A process that decodes, or waits for a file."""

    pid: int
    pid_fd: int
    request: socket.socket
    ending_fd: int | None = None
    deadline_s: float = math.inf


def main() -> None:
    """Serve the descriptor and the limits that the command line names."""
    descriptor, limits = sys.argv[1:]
    # What FFmpeg has to say of a stranger's file is no line in this service's log.
    av.logging.set_level(None)
    # If the machine runs out of memory, the kernel is to end a decode and not the service.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    _warm_up()
    with socket.socket(fileno=int(descriptor)) as control:
        serve(control, limits=msgspec.json.decode(limits, type=DecodeLimits))


def serve(control: socket.socket, *, limits: DecodeLimits) -> None:
    """Answer requests until the other side hangs up.

    1. Try the jail on a child, say hello, and start a child in advance.
    2. Wait for a request, for a child to end, or for the first deadline.
    3. Kill what is late, and tell of what has ended; after the last, start another child in advance.
    4. Give a request to the child that waits, else to a new one. When the other side has hung up, kill all and return.

    Parameters
    ----------
    control : socket.socket
        This side of the pair that joins it to the service.
    limits : DecodeLimits
        What each decode may cost and yield.

    Raises
    ------
    RuntimeError
        If the process has more than one thread, or the jail cannot be entered.
    """
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("the decoding process has more than one thread, so it must not fork")
    # What exists by now stays; left out of garbage collections, its pages stay shared with the children.
    gc.freeze()
    memory_bytes = _address_space_bytes() + limits.memory_bytes
    # Step 1
    control.send(msgspec.json.encode(Hello(layers=_try_jail(limits, memory_bytes=memory_bytes))))
    children = _Children(limits, memory_bytes=memory_bytes)
    children.prepare()
    while True:
        # Step 2
        ready = children.wait(control)
        # Step 3
        children.bury(ready)
        # Step 4
        if control.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 3)
        if not message:
            children.kill()
            return
        children.decode(message, *descriptors)


class _Children:
    """The processes that decode, by the descriptor that tells of their end, and at most one that waits for a file."""

    def __init__(self, limits: DecodeLimits, *, memory_bytes: int) -> None:
        self._limits = limits
        self._memory_bytes = memory_bytes
        self._all: dict[int, _Child] = {}
        self._waiting: _Child | None = None

    def prepare(self) -> None:
        """Start a child in advance; without room for it, the next request says so."""
        with suppress(OSError):
            self._waiting = self._start()

    def wait(self, control: socket.socket) -> set[int]:
        """Wait until there is something to do; return the descriptors that say so."""
        poll = select.poll()
        for descriptor in (control.fileno(), *self._all):
            poll.register(descriptor, select.POLLIN)
        rest_s = min((child.deadline_s for child in self._all.values()), default=math.inf) - time.monotonic()
        return {descriptor for descriptor, _ in poll.poll(None if rest_s == math.inf else 1_000 * max(0.0, rest_s) + 1)}

    def bury(self, ready: set[int]) -> None:
        """Kill the late, tell of the dead, and prepare for what comes next once nobody is at work."""
        now_s = time.monotonic()
        over = [child for child in self._all.values() if child.pid_fd in ready or now_s >= child.deadline_s]
        for child in over:
            ending = self._end(child, killed=child.pid_fd not in ready)
            if child.ending_fd is not None:
                _tell(child.ending_fd, ending)
        # Not beside a decode, from which it would take the processor, nor after one that died waiting, over and over.
        if not self._all and any(child.ending_fd is not None for child in over):
            self.prepare()

    def decode(self, request: bytes, file_fd: int, answer_fd: int, ending_fd: int) -> None:
        """Put a child to work."""
        try:
            child = self._waiting or self._start()
            self._waiting = None
            socket.send_fds(child.request, [request], [file_fd, answer_fd])
        except OSError as error:
            _tell(ending_fd, Ending(how="unborn", number=error.errno or 0))
        else:
            child.ending_fd = ending_fd
            child.deadline_s = time.monotonic() + self._limits.wall_s
        finally:
            os.close(file_fd)
            os.close(answer_fd)

    def kill(self) -> None:
        """End them all."""
        for child in list(self._all.values()):
            self._end(child, killed=True)

    def _start(self) -> _Child:
        """Fork a child, which waits for its file."""
        parent_pid = os.getpid()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if not pid:
                _live(theirs.fileno(), self._limits, memory_bytes=self._memory_bytes, parent_pid=parent_pid)
        child = _Child(pid=pid, pid_fd=os.pidfd_open(pid), request=ours)
        self._all[child.pid_fd] = child
        return child

    def _end(self, child: _Child, *, killed: bool) -> Ending:
        """Take leave of a child that has ended, or kill it first; return how it ended."""
        if killed:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(child.pid_fd, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
        del self._all[child.pid_fd]
        if child is self._waiting:
            self._waiting = None
        os.close(child.pid_fd)
        child.request.close()
        code = os.waitstatus_to_exitcode(status)
        if killed:
            return Ending(how="late", number=signal.SIGKILL)
        return Ending(how="signal", number=-code) if code < 0 else Ending(how="exit", number=code)


def _tell(ending_fd: int, ending: Ending) -> None:
    """Write an ending, unless nobody waits for it any more."""
    with suppress(BrokenPipeError):
        os.write(ending_fd, msgspec.json.encode(ending))
    os.close(ending_fd)


def _warm_up() -> None:
    """Decode a harmless file, so that all that loads at first use is loaded before a child can no longer open files."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(2 * SAMPLE_RATE_HZ)
        writer.writeframes(bytes(4 * _WARM_UP_SAMPLES))
    file.seek(0)
    with suppress(AudioTooShortError):
        decode(file, container=Container.WAV, limits=DecodeLimits())


def _address_space_bytes() -> int:
    """Address space that the loaded libraries take, which every child inherits."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _try_jail(limits: DecodeLimits, *, memory_bytes: int) -> tuple[str, ...]:
    """Enter the jail in a child of its own, and return the layers that held."""
    parent_pid = os.getpid()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            layers = jail.enter(memory_bytes=memory_bytes, cpu_s=limits.cpu_s, parent_pid=parent_pid)
            os.write(writing, ",".join(layers).encode("ascii"))
        finally:
            os._exit(0)
    os.close(writing)
    layers_held = os.read(reading, MESSAGE_BYTES).decode("ascii")
    os.close(reading)
    os.waitpid(pid, 0)
    if not layers_held:
        raise RuntimeError("the jail for decoding cannot be entered: this system refuses to set resource limits")
    return tuple(layers_held.split(","))


def _live(request_fd: int, limits: DecodeLimits, *, memory_bytes: int, parent_pid: int) -> NoReturn:
    """Be a child: wait for a file, enter the jail, decode, and end.

    Whatever happens, it never returns into its parent's loop.
    """
    status = 1
    try:
        os.dup2(request_fd, _REQUEST_FD)
        # Standard input leads nowhere already; the error output is the service's.
        os.dup2(0, 2)
        os.closerange(_REQUEST_FD + 1, _DESCRIPTORS)
        # Writes where the decode will, so that those pages are its own by then.
        _warm_up()
        with socket.socket(fileno=_REQUEST_FD) as requests:
            message, descriptors, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 2)
        if message:
            file_fd, answer_fd = descriptors
            # Opened before the jail, where no descriptor may be looked into.
            with open(file_fd, "rb", buffering=0) as file:  # noqa: PTH123, a descriptor and no path
                jail.enter(memory_bytes=memory_bytes, cpu_s=limits.cpu_s, parent_pid=parent_pid)
                _answer(file, answer_fd, msgspec.json.decode(message, type=Request), limits)
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _answer(file: BinaryIO, answer_fd: int, request: Request, limits: DecodeLimits) -> None:
    """Decode, and write what came of it."""
    pcm: memoryview | None = None
    answer: Sound | Problem
    try:
        sound = decode(
            file,
            container=Container(request.container),
            limits=limits,
            start_s=request.start_s,
            duration_s=request.duration_s,
        )
    except InputError as error:
        answer = _problem(error)
    except MemoryError:
        answer = _problem(DecoderLimitError("decoding takes too much memory"))
    except Exception as error:  # noqa: BLE001, a surprise in the libraries, for which this one file must be the cause
        answer = _problem(
            UndecodableAudioError(
                f"this {request.container} file confuses the decoder ({type(error).__name__}: {error})",
                hint="check that it plays, or encode it anew",
            ),
        )
    else:
        # In this machine's byte order, since the pipe does not leave it; without a copy, since memory is limited.
        pcm = sound.samples.data.cast("B")
        answer = Sound(
            pcm_bytes=len(pcm),
            codec=sound.source.codec,
            channels=sound.source.channels,
            sample_rate_hz=sound.source.sample_rate_hz,
            duration_s=sound.source.duration_s,
            tags=sound.source.tags,
        )
    head = msgspec.json.encode(answer)
    write_all(answer_fd, len(head).to_bytes(LENGTH_BYTES, "big") + head)
    if pcm is not None:
        write_all(answer_fd, pcm)


def _problem(error: InputError) -> Problem:
    """Put an error in a message."""
    return Problem(code=error.code, message=error.message[:SENTENCE_LENGTH], hint=error.hint[:SENTENCE_LENGTH])


if __name__ == "__main__":
    main()
