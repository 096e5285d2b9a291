"""The decoding process: forks a jailed child for each file.

Run as ``python -I -m tunekin_ingest.adapters.decoding_server DESCRIPTOR LIMITS`` by
`tunekin_ingest.adapters.sandboxed_decoder`, which it dies with. It loads the codec libraries once, so that a child
costs a fork and not a start, and keeps to one thread, so that forking is safe. Only children read what strangers sent,
and each reads one file.
"""

import fcntl
import gc
import io
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
from typing import BinaryIO, Final

import av.logging
import msgspec

from tunekin.errors import DecoderLimitError, InputError, SilentAudioError, UndecodableAudioError
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

# A child's descriptors: none, none, none, the encoded file, the answer.
_FILE_FD: Final = 3
_ANSWER_FD: Final = 4
# Descriptors are given out lowest first, so with a few a decode none is above this.
_DESCRIPTORS: Final = 65_536


@dataclass(frozen=True, kw_only=True)
class _Child:
    """A decode under way."""

    pid: int
    ending_fd: int
    deadline_s: float


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

    1. Try the jail on a child, and say hello.
    2. Wait for a request, for a child to end, or for the first deadline.
    3. Kill what is late, and tell of what has ended.
    4. Start a child for a request; when the other side has hung up, kill all children and return.

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
    children: dict[int, _Child] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        # Step 2
        first_s = min((child.deadline_s for child in children.values()), default=None)
        wait_ms = None if first_s is None else 1_000 * max(0.0, first_s - time.monotonic()) + 1
        ready = {descriptor for descriptor, _ in poll.poll(wait_ms)}
        # Step 3
        now_s = time.monotonic()
        for descriptor, child in list(children.items()):
            if descriptor in ready or now_s >= child.deadline_s:
                del children[descriptor]
                poll.unregister(descriptor)
                _tell(child.ending_fd, _end(child, descriptor, ended=descriptor in ready))
        # Step 4
        if control.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 3)
        if not message:
            for descriptor, child in children.items():
                _end(child, descriptor, ended=False)
            return
        file_fd, answer_fd, ending_fd = descriptors
        try:
            pid = _fork(
                msgspec.json.decode(message, type=Request), file_fd, answer_fd, limits, memory_bytes=memory_bytes
            )
        except OSError as error:
            _tell(ending_fd, Ending(how="unborn", number=error.errno or 0))
        else:
            descriptor = os.pidfd_open(pid)
            children[descriptor] = _Child(pid=pid, ending_fd=ending_fd, deadline_s=time.monotonic() + limits.wall_s)
            poll.register(descriptor, select.POLLIN)
        finally:
            os.close(file_fd)
            os.close(answer_fd)


def _warm_up() -> None:
    """Decode a harmless file, so that all that loads at first use is loaded before a child can no longer open files."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(2 * SAMPLE_RATE_HZ)
        writer.writeframes(bytes(8 * SAMPLE_RATE_HZ))
    file.seek(0)
    with suppress(SilentAudioError):
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


def _fork(request: Request, file_fd: int, answer_fd: int, limits: DecodeLimits, *, memory_bytes: int) -> int:
    """Start a child for a request; return its process id."""
    parent_pid = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    # Whatever happens, the child never returns into its parent's loop.
    status = 1
    try:
        file = _keep_only(file_fd, answer_fd)
        jail.enter(memory_bytes=memory_bytes, cpu_s=limits.cpu_s, parent_pid=parent_pid)
        _answer(file, request, limits)
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _keep_only(file_fd: int, answer_fd: int) -> BinaryIO:
    """Close every descriptor but these two; return the first as an object, which the jail no longer lets one make."""
    # First out of the way of the numbers that they get.
    file_fd, answer_fd = (fcntl.fcntl(fd, fcntl.F_DUPFD, _ANSWER_FD + 1) for fd in (file_fd, answer_fd))
    os.dup2(file_fd, _FILE_FD)
    os.dup2(answer_fd, _ANSWER_FD)
    # Standard input leads nowhere already; the error output is the service's.
    os.dup2(0, 2)
    os.closerange(_ANSWER_FD + 1, _DESCRIPTORS)
    return open(_FILE_FD, "rb", buffering=0)  # noqa: PTH123, a descriptor and no path


def _answer(file: BinaryIO, request: Request, limits: DecodeLimits) -> None:
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
    write_all(_ANSWER_FD, len(head).to_bytes(LENGTH_BYTES, "big") + head)
    if pcm is not None:
        write_all(_ANSWER_FD, pcm)


def _problem(error: InputError) -> Problem:
    """Put an error in a message."""
    return Problem(code=error.code, message=error.message[:SENTENCE_LENGTH], hint=error.hint[:SENTENCE_LENGTH])


def _end(child: _Child, descriptor: int, *, ended: bool) -> Ending:
    """Take leave of a child that has ended, or kill it, and return how it ended."""
    if not ended:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    _, status = os.waitpid(child.pid, 0)
    os.close(descriptor)
    code = os.waitstatus_to_exitcode(status)
    if not ended:
        return Ending(how="late", number=signal.SIGKILL)
    return Ending(how="signal", number=-code) if code < 0 else Ending(how="exit", number=code)


def _tell(ending_fd: int, ending: Ending) -> None:
    """Write an ending, unless nobody waits for it any more."""
    with suppress(BrokenPipeError):
        os.write(ending_fd, msgspec.json.encode(ending))
    os.close(ending_fd)


if __name__ == "__main__":
    main()
