"""Closes the door behind the interpreter: resource limits, Landlock where no namespace confines it,
and the last seccomp filter. Runs once, before the first untrusted byte; every failure is fatal."""
import ctypes
import os
import resource
import struct

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _SIGKILL = 1, 38, 9
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR, _WRITE_FILE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1


def close_descriptors(kept):
    """Only stdio, the channel and the contexts stay open."""
    kept = sorted({0, 1, 2, 3, *kept})
    for low, high in zip(kept, kept[1:] + [4096]):
        os.closerange(low + 1, high)


def set_limits(limits):
    for name, value in limits.items():
        number = getattr(resource, "RLIMIT_" + name, None)
        if number is None:
            continue
        _soft, hard = resource.getrlimit(number)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(number, (value, value))


def count_tasks(uid):
    """Threads of this user on the machine: the kernel counts them all against RLIMIT_NPROC."""
    count = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/status", encoding="ascii", errors="replace") as file:
                fields = dict(line.split(":", 1) for line in file if ":" in line)
            if int(fields["Uid"].split()[0]) == uid:
                count += int(fields["Threads"])
        except (OSError, KeyError, ValueError):
            continue
    return count


def follow_parent(libc, parent):
    """Dies with the host, also when the host is killed before this line."""
    if libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(0)


def restrict_files(libc, readable, writable, optional):
    """Landlock: read what is listed, nothing else; no TCP, no signal or abstract socket outside."""
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1 and optional:
        return
    if version < 1:
        raise OSError(ctypes.get_errno(), "this kernel has no Landlock")
    handled = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        if version >= since:
            handled |= 1 << bit
    network, scope = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    attribute = struct.pack("=QQQ", handled, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.c_char_p(attribute), size, 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for path, access in [(path, _READ_FILE) for path in readable] + [
        (path, _READ_FILE | _WRITE_FILE | (_TRUNCATE & handled)) for path in writable
    ]:
        if os.path.isdir(path):
            access |= _READ_DIR
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", access, descriptor)
        if libc.syscall(_ADD_RULE, ruleset, 1, ctypes.c_char_p(rule), 0):
            raise OSError(ctypes.get_errno(), "landlock_add_rule " + path)
        os.close(descriptor)
    if libc.syscall(_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(ruleset)


def install_filter(libc, program, call_number):
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]

    buffer = ctypes.create_string_buffer(program, len(program))
    argument = Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    flags = _SECCOMP_FILTER_FLAG_TSYNC
    if libc.syscall(call_number, _SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(argument)):
        raise OSError(ctypes.get_errno(), "seccomp")


def confine(plan, program):
    """`plan` is the launching level's; `program` the seccomp filter, empty at level `none`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if plan.get("parent"):
        follow_parent(libc, plan["parent"])
    limits = dict(plan["limits"])
    if plan.get("tasksAbove"):
        limits["NPROC"] = count_tasks(os.getuid()) + plan["tasksAbove"]
    set_limits(limits)
    if (program or plan.get("landlock")) and libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    if plan.get("landlock"):
        rules = plan["landlock"]
        restrict_files(libc, rules["read"], rules["write"], rules.get("optional"))
    if program:
        install_filter(libc, program, plan["seccompNumber"])
