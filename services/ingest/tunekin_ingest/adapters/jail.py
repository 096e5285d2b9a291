"""Take from the calling process all that decoding does not need.

Layers, outermost first; each holds by itself against what the others miss:

``limits``
    Resource limits: memory, processor time, no file written, no descriptor opened, no process or thread started, no
    core dump. Always there; without them the process must not go on.
``user``
    Where the process is root, as in most containers: user and group ``nobody`` and no other groups. Without root there
    is nobody else to become.
``landlock``
    Linux 5.13 and up, where the kernel has it switched on: no file can be opened, created or listed and, the newer the
    kernel, no TCP port bound or connected to and no signal sent outside. Works on every processor.
``seccomp``
    Linux on x86-64 and AArch64, where a container runtime allows it: of some 450 system calls about thirty stay, those
    that compute on memory and on open descriptors. All others fail with ``EPERM``; among them are the ones that open
    files and sockets, start programs, trace or signal processes, and map executable memory.

``limits`` and ``user`` are part of every Linux; the other two are best effort, and `enter` returns which of them hold.
In any case the process has no capabilities and gains none by running a program, no other process of its user may look
into it, and it dies with its parent.

References
----------
.. [1] Linux manual pages: prctl(2), setrlimit(2), seccomp(2), landlock(7).
"""

import ctypes
import os
import platform
import resource
import signal
import struct
from contextlib import suppress
from typing import Final

__all__ = ["enter"]

# prctl(2), from <linux/prctl.h>.
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2

# capset(2), third version, of this very process; then three sets of 64 bits, all empty.
_CAPABILITY_HEADER: Final = struct.pack("=Ii", 0x2008_0522, 0)

# The same numbers on every processor, from <asm-generic/unistd.h>.
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_RESTRICT_SELF: Final = 446
_LANDLOCK_CREATE_RULESET_VERSION: Final = 1
# Rights over files that each version of Landlock knows: 13 in the first, then refer, truncate and device ioctls.
_LANDLOCK_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_LANDLOCK_NETWORK_VERSION: Final = 4
_LANDLOCK_SCOPE_VERSION: Final = 6

# Debian's and everybody's user without rights.
_NOBODY: Final = 65_534
# RLIMIT_CPU sends SIGXCPU at the soft limit, which tells the cause; what ignores that is killed this much later.
_CPU_GRACE_S: Final = 1

# The calls that decoding makes, by machine: AUDIT_ARCH of <linux/audit.h> and numbers of <asm/unistd.h>. Nothing here
# takes a path, an address or a process. The two that map memory may not make it executable.
_MAPPING: Final = ("mmap", "mprotect")
_CALLS: Final = {
    "x86_64": (
        0xC000_003E,
        {
            "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
            "brk": 12, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19, "writev": 20,
            "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60,
            "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
            "restart_syscall": 219, "clock_gettime": 228, "clock_nanosleep": 230, "exit_group": 231,
            "getrandom": 318, "membarrier": 324,
        },
    ),
    "aarch64": (
        0xC000_00B7,
        {
            "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "fstat": 80,
            "exit": 93, "exit_group": 94, "futex": 98, "nanosleep": 101, "clock_gettime": 113, "clock_nanosleep": 115,
            "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128, "rt_sigprocmask": 135,
            "rt_sigreturn": 139, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "gettid": 178, "sysinfo": 179,
            "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278,
            "membarrier": 283,
        },
    ),
}  # fmt: skip

# Classic BPF, from <linux/bpf_common.h> and <linux/seccomp.h>.
_BPF_LOAD: Final = 0x20
_BPF_EQUAL: Final = 0x15
_BPF_AT_LEAST: Final = 0x35
_BPF_ANY_BIT: Final = 0x45
_BPF_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF_0000
_KILL: Final = 0x8000_0000
_FAIL_WITH_EPERM: Final = 0x0005_0001
# struct seccomp_data: number, machine, instruction pointer, six arguments of 64 bits, low half first.
_NUMBER_AT: Final = 0
_MACHINE_AT: Final = 4
_THIRD_ARGUMENT_AT: Final = 32
_PROT_EXEC: Final = 4
# On x86-64 a set bit 30 means the x32 calls, by which a filter of numbers could be passed round.
_X32_BIT: Final = 0x4000_0000


def enter(*, memory_bytes: int, cpu_s: int, parent_pid: int) -> tuple[str, ...]:
    """Lock the calling process up, for good.

    The process must have one thread and hold all the descriptors that it will need.

    Parameters
    ----------
    memory_bytes : int
        Address space that it may have in all, in bytes.
    cpu_s : int
        Processor time that it may take, in seconds.
    parent_pid : int
        The process with which it is to die.

    Returns
    -------
    tuple of str
        The layers that hold, of those in the module's docstring.

    Raises
    ------
    OSError
        If even the resource limits cannot be set, or the capabilities given up.
    ValueError
        If a limit is above one that already holds.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    layers = ["limits"]
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + _CPU_GRACE_S)
    for nothing in (resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE):
        _limit(nothing, 0)
    if os.geteuid() == 0 and _become_nobody():
        layers.append("user")
    _check(libc.capset(_CAPABILITY_HEADER, bytes(24)), "capset")
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, _PR_SET_DUMPABLE, 0)
    # After the change of user, which clears it.
    _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)  # the parent died before this process asked to die with it
    if _landlock(libc):
        layers.append("landlock")
    # After Landlock, whose rules are a descriptor for a moment.
    _limit(resource.RLIMIT_NOFILE, 0)
    if _seccomp(libc):
        layers.append("seccomp")
    return tuple(layers)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, or keep a lower one that already holds."""
    _, held = resource.getrlimit(which)
    hard = soft if hard is None else hard
    if held != resource.RLIM_INFINITY:
        soft, hard = min(soft, held), min(hard, held)
    resource.setrlimit(which, (soft, hard))


def _become_nobody() -> bool:
    """Give root up; a user namespace without that user refuses."""
    with suppress(OSError):
        os.setgroups([])
    try:
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        return False
    return True


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    """Set one attribute of this process."""
    _check(libc.prctl(option, ctypes.c_ulong(value), *(ctypes.c_ulong(0),) * 3), f"prctl {option}")


def _check(result: int, call: str) -> None:
    """Raise what a call of C reported."""
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def _landlock(libc: ctypes.CDLL) -> bool:
    """Forbid every right that this kernel's Landlock knows, everywhere."""
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_CREATE_RULESET_VERSION)
    if version < 1:
        return False
    files = (1 << _LANDLOCK_FILE_RIGHTS.get(version, max(_LANDLOCK_FILE_RIGHTS.values()))) - 1
    network = 0b11 if version >= _LANDLOCK_NETWORK_VERSION else 0  # bind and connect
    scope = 0b11 if version >= _LANDLOCK_SCOPE_VERSION else 0  # abstract sockets and signals
    fields = struct.pack("=QQQ", files, network, scope)
    # Older kernels refuse a longer structure than theirs.
    size = 24 if scope else 16 if network else 8
    ruleset: int = libc.syscall(_LANDLOCK_CREATE_RULESET, fields, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Leave the calls in `_CALLS`."""
    machine = platform.machine()
    if machine not in _CALLS:
        return False
    program = _program(machine)
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    filtered = Program(len(program) // 8, ctypes.addressof(instructions))
    return bool(libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(filtered)) == 0)


def _program(machine: str) -> bytes:
    """Write the filter: instructions of code, jump if true, jump if false, operand."""
    audit_arch, calls = _CALLS[machine]
    steps: list[tuple[int, int, int, int]] = [
        (_BPF_LOAD, 0, 0, _MACHINE_AT),
        (_BPF_EQUAL, 1, 0, audit_arch),
        (_BPF_RETURN, 0, 0, _KILL),
        (_BPF_LOAD, 0, 0, _NUMBER_AT),
        (_BPF_AT_LEAST, 0, 1, _X32_BIT),
        (_BPF_RETURN, 0, 0, _KILL),
    ]
    for name, number in calls.items():
        if name in _MAPPING:
            steps += [
                (_BPF_EQUAL, 0, 4, number),
                (_BPF_LOAD, 0, 0, _THIRD_ARGUMENT_AT),
                (_BPF_ANY_BIT, 0, 1, _PROT_EXEC),
                (_BPF_RETURN, 0, 0, _FAIL_WITH_EPERM),
                (_BPF_RETURN, 0, 0, _ALLOW),
            ]
        else:
            steps += [(_BPF_EQUAL, 0, 1, number), (_BPF_RETURN, 0, 0, _ALLOW)]
    steps.append((_BPF_RETURN, 0, 0, _FAIL_WITH_EPERM))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
