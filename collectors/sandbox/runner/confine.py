"""Closes the door behind the interpreter: resource limits, Landlock where no namespace confines it,
and the last seccomp filter. Runs once, before the first untrusted byte; every failure is fatal."""
import os
import sys
from _struct import Struct

from runner.libc import INFINITY, address_of, call, characters, error, read_limit, set_limit

# In the order of their numbers on x86-64 and 64-bit ARM.
_NAMES = "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME"
_LIMITS = {name: number for number, name in enumerate(_NAMES.split())}
_pack_handled, _pack_rule = Struct("=QQQ").pack, Struct("=Qi").pack
_pack_program = Struct("@HP").pack
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
    if sys.platform != "linux":
        return set_limits_elsewhere(limits)
    for name, value in limits.items():
        _soft, hard = read_limit(_LIMITS[name])
        # No limit is given as -1.
        set_limit(_LIMITS[name], min(value & INFINITY, hard))


def set_limits_elsewhere(limits):
    import resource

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


def follow_parent(parent):
    """Dies with the host, also when the host is killed before this line."""
    if call("prctl", _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0):
        raise error("prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(0)


def restrict_files(readable, writable, optional):
    """Landlock: read what is listed, nothing else; no TCP, no signal or abstract socket outside."""
    version = call("syscall", _CREATE_RULESET, None, 0, 1)
    if version < 1 and optional:
        return
    if version < 1:
        raise error("this kernel has no Landlock")
    handled = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        if version >= since:
            handled |= 1 << bit
    network, scope = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    attribute = _pack_handled(handled, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call("syscall", _CREATE_RULESET, attribute, size, 0)
    if ruleset < 0:
        raise error("landlock_create_ruleset")
    for path, access in [(path, _READ_FILE) for path in readable] + [
        (path, _READ_FILE | _WRITE_FILE | (_TRUNCATE & handled)) for path in writable
    ]:
        if os.path.isdir(path):
            access |= _READ_DIR
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        if call("syscall", _ADD_RULE, ruleset, 1, _pack_rule(access, descriptor), 0):
            raise error("landlock_add_rule " + path)
        os.close(descriptor)
    if call("syscall", _RESTRICT_SELF, ruleset, 0):
        raise error("landlock_restrict_self")
    os.close(ruleset)


def install_filter(program, call_number):
    instructions = characters(len(program)).from_buffer_copy(program)
    argument = _pack_program(len(program) // 8, address_of(instructions))
    if call("syscall", call_number, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, argument):
        raise error("seccomp")


def confine(plan, program):
    """`plan` is the launching level's; `program` the seccomp filter, empty at level `none`."""
    if plan.get("parent"):
        follow_parent(plan["parent"])
    limits = dict(plan["limits"])
    if plan.get("tasksAbove"):
        limits["NPROC"] = count_tasks(os.getuid()) + plan["tasksAbove"]
    set_limits(limits)
    if (program or plan.get("landlock")) and call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise error("prctl(PR_SET_NO_NEW_PRIVS)")
    if plan.get("landlock"):
        rules = plan["landlock"]
        restrict_files(rules["read"], rules["write"], rules.get("optional"))
    if program:
        install_filter(program, plan["seccompNumber"])
