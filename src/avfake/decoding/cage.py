"""What a process gives up before it touches a stranger's file. Linux; nothing of it can be taken back.

Resource limits (getrlimit(2)) bound memory, processor time, open files and written bytes. Landlock
(landlock(7)) leaves one file readable, and nothing else of the file system. A seccomp filter (seccomp(2))
takes away sockets, new processes and threads, and looking into other processes.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from pathlib import Path

from avfake.decoding.limits import Limits

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PR_GET_SECCOMP, _PR_SET_SECCOMP = 21, 22

# landlock(7): system calls of every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE = 1 << 2
# What each version of the interface can refuse: file system, network, signals and abstract sockets.
_FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_SINCE, _SCOPES_SINCE = 4, 6

# Numbers of system calls (x86_64, aarch64); None where an architecture has no such call.
_REFUSED = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "sendto": (44, 206), "sendmsg": (46, 211),
    "fork": (57, None), "vfork": (58, None),
    "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "mount": (165, 40), "unshare": (272, 97), "setns": (308, 268), "open_by_handle_at": (304, 265),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "prlimit64": (302, 261), "setrlimit": (160, 164),
}  # fmt: skip
_AUDIT_ARCH = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000
_CLONE, _CLONE3, _CLONE_THREAD = (56, 220), 435, 0x10000
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_REFUSE, _NO_SUCH_CALL = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def enter(limits: Limits, file: int) -> None:
    """Closes the cage around this process; only the open file `file` can be opened again.

    What the kernel does not offer is left out: `measures` tells what it offers.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _limit_resources(limits)
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _landlock(file)
    _seccomp()


def measures() -> dict[str, bool]:
    """Which measures beyond the resource limits this kernel and machine offer."""
    return {
        "landlock": _landlock_version() > 0,
        "seccomp": platform.machine() in _AUDIT_ARCH and _LIBC.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0,
    }


def address_space() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _limit_resources(limits: Limits) -> None:
    memory = address_space() + limits.memory_bytes
    for kind, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _landlock_version() -> int:
    return max(0, int(_LIBC.syscall(_CREATE_RULESET, None, 0, 1)))


def _landlock(file: int) -> None:
    version = _landlock_version()
    if version == 0:
        return
    rights = _Ruleset(
        _FS_RIGHTS[min(version, max(_FS_RIGHTS))],
        0b11 if version >= _NET_SINCE else 0,
        0b11 if version >= _SCOPES_SINCE else 0,
    )
    # Older kernels know a shorter structure, and take no longer one with anything in the rest.
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NET_SINCE else 8
    rules = _LIBC.syscall(_CREATE_RULESET, ctypes.byref(rights), size, 0)
    _check(rules, "landlock_create_ruleset")
    rule = _PathBeneath(_READ_FILE, file)
    _check(_LIBC.syscall(_ADD_RULE, rules, 1, ctypes.byref(rule), 0), "landlock_add_rule")
    _check(_LIBC.syscall(_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    os.close(rules)


class _Program(ctypes.Structure):
    _fields_ = (("n", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp() -> None:
    if not measures()["seccomp"]:
        return
    column, arch = _AUDIT_ARCH[platform.machine()]
    numbers = [number for row in _REFUSED.values() if (number := row[column]) is not None]
    # seccomp_data: the number at byte 0, the architecture at byte 4.
    program = [
        (_LOAD, 0, 0, 4), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
    ]  # fmt: skip
    if platform.machine() == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for number in numbers:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    # Threads are made by clone; what clone3 makes cannot be seen from here, and the C library does without.
    program += [
        (_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _NO_SUCH_CALL),
        (_EQUAL, 0, 3, _CLONE[column]), (_LOAD, 0, 0, 16), (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    loaded = _Program(len(program), code)
    _check(_LIBC.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(loaded), 0, 0), "seccomp")


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
