"""What a jailed process can still do, tried by a process that enters the jail and then tries to leave."""

import json
import os
import platform
import subprocess
import sys

import pytest

from tunekin_ingest.adapters import jail

# Runs as a program of its own, since there is no way back. Each escape reports the name of the error that it ended in.
ESCAPES = """
import ctypes, errno, json, mmap, os, resource, signal, socket, sys, threading
from tunekin_ingest.adapters import jail

def attempt(escape):
    try:
        escape()
    except OSError as error:
        return errno.errorcode[error.errno]
    except (RuntimeError, ValueError) as error:
        return type(error).__name__
    return "done"

libc = ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)

escapes = {
    "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "write a file": lambda: os.open("/tmp/escaped", os.O_WRONLY | os.O_CREAT),
    "list a folder": lambda: os.listdir("/"),
    "remove a file": lambda: os.unlink("/tmp/escaped"),
    "open a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "fork": lambda: os.fork() or os._exit(0),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "start a thread": lambda: threading.Thread(target=int).start(),
    "signal its parent": lambda: os.kill(os.getppid(), 0),
    "trace its parent": lambda: call("ptrace", 16, os.getppid(), None, None),
    "become root": lambda: os.setresuid(0, 0, 0),
    "map executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "lift its limits": lambda: resource.setrlimit(resource.RLIMIT_CPU, (100, 100)),
    "make a pipe": os.pipe,
    "grow a file": lambda: os.write(3, b"x"),
    "take more memory": lambda: mmap.mmap(-1, 2 << 30),
}
# Libraries load what they need at first use, which the jail no longer allows.
attempt(lambda: call("getpid"))
left_out = sys.argv[1:]
if {"landlock", "seccomp"} <= set(left_out):
    del escapes["start a program"]  # which limits do not prevent, and which would end this one
if "limits" in left_out:
    jail._limit = lambda which, *values: None
if "landlock" in left_out:
    jail._landlock = lambda libc: False
if "seccomp" in left_out:
    jail._seccomp = lambda libc: False
os.memfd_create("file")
layers = jail.enter(memory_bytes=1 << 30, cpu_s=5, parent_pid=os.getppid())
outcomes = {name: attempt(escape) for name, escape in escapes.items()}
os.write(1, json.dumps({"layers": layers, "uid": os.getuid(), **outcomes}).encode())
"""


def escaped(*left_out):
    """What a process in the jail, less some layers, came away with, by escape."""
    finished = subprocess.run(
        [sys.executable, "-I", "-c", ESCAPES, *left_out], capture_output=True, timeout=60, check=True, close_fds=True
    )
    return json.loads(finished.stdout)


def test_every_layer_that_the_kernel_has_holds():
    layers = escaped()["layers"]
    assert layers[0] == "limits"
    assert ("user" in layers) == (os.geteuid() == 0)
    assert ("seccomp" in layers) == (platform.machine() in {"x86_64", "aarch64"})


def test_a_jailed_process_reaches_nothing():
    found = escaped()
    del found["layers"], found["uid"]
    assert [name for name, outcome in found.items() if outcome == "done"] == []


def test_root_becomes_nobody():
    assert escaped("seccomp")["uid"] == (65_534 if os.geteuid() == 0 else os.geteuid())


def test_seccomp_alone_keeps_files_sockets_and_programs_away():
    found = escaped("limits", "landlock")
    assert "seccomp" in found["layers"]
    for escape in (
        "read a file",
        "write a file",
        "open a TCP socket",
        "open a local socket",
        "fork",
        "start a program",
        "signal its parent",
        "map executable memory",
        "make a pipe",
    ):
        assert found[escape] == "EPERM", escape
    assert found["lift its limits"] == "ValueError"  # what Python makes of EPERM there


def test_landlock_alone_keeps_files_away_where_the_kernel_has_it():
    found = escaped("limits", "seccomp")
    assert (found["read a file"] == "EACCES") == ("landlock" in found["layers"])
    assert (found["write a file"] == "EACCES") == ("landlock" in found["layers"])


def test_limits_alone_keep_files_memory_and_processes_away():
    found = escaped("landlock", "seccomp")
    assert found["read a file"] == "EMFILE"
    assert found["make a pipe"] == "EMFILE"
    assert found["grow a file"] == "EFBIG"
    assert found["take more memory"] == "ENOMEM"
    assert found["start a thread"] == "RuntimeError"
    assert found["fork"] == "EAGAIN"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole_instructions_and_ends_by_refusing(machine):
    program = jail._program(machine)
    assert len(program) % 8 == 0
    assert program[-8:] == bytes.fromhex("0600000001000500")


def test_a_process_that_lost_its_parent_does_not_enter():
    code = "from tunekin_ingest.adapters import jail; jail.enter(memory_bytes=1 << 30, cpu_s=5, parent_pid=1 << 22)"
    finished = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, timeout=60, check=False)
    assert (finished.returncode, finished.stderr) == (1, b"")
