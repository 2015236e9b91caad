# SPDX-License-Identifier: ISC
"""What can go wrong with each system call: the errors that it is made to give, one at a time."""

# From the manual of each call; EPERM, which a seccomp filter gives, where the manual has none. Not in it: ENOENT of
# newfstatat, which is an answer to "is the door closed?": being lied to is no fault of the machine's.
ERRORS = {
    "accept4": "ECONNABORTED EMFILE EINTR",
    "access": "EACCES EIO",
    "bind": "EADDRINUSE EACCES ENOBUFS",
    "capget": "EPERM ENOSYS",
    "capset": "EPERM",
    "chdir": "ENOENT EACCES EIO",
    "clone": "EAGAIN ENOMEM",
    "clone3": "EAGAIN ENOMEM ENOSYS",
    "close": "EIO EINTR",
    "close_range": "ENOMEM EMFILE ENOSYS",
    "connect": "ECONNREFUSED EAGAIN EINTR ENETUNREACH ETIMEDOUT EACCES",
    "copy_file_range": "EXDEV EIO",
    "dup": "EMFILE",
    "dup2": "EMFILE EINTR EBUSY",
    "dup3": "EMFILE EINTR EBUSY",
    "execve": "ENOENT EACCES ENOMEM EIO E2BIG EAGAIN ETXTBSY",
    "faccessat2": "EACCES EIO",
    "fadvise64": "ESPIPE",
    "fallocate": "EIO ENOSPC EINTR EOPNOTSUPP",
    "fchmod": "EPERM EIO",
    "fchown": "EPERM EIO",
    "fcntl": "EINVAL EMFILE",
    "fdatasync": "EIO ENOSPC",
    "flock": "EINTR ENOLCK EAGAIN EIO",
    "fstat": "EIO ENOMEM",
    "fstatfs": "EIO ENOSYS",
    "fsync": "EIO ENOSPC",
    "ftruncate": "EIO EINTR ENOSPC EFBIG",
    "getcwd": "ENOENT EACCES",
    "getdents64": "EIO ENOENT",
    "getgroups": "EPERM",
    "getpeername": "ENOTCONN ENOBUFS",
    "getrandom": "ENOSYS EINTR EAGAIN",
    "getresgid": "EPERM",
    "getresuid": "EPERM",
    "getrlimit": "EPERM",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOPROTOOPT ENOTSOCK ENOMEM",
    "ioctl": "ENOTTY EIO",
    "keyctl": "EDQUOT ENOMEM EACCES",
    "kill": "EPERM",
    "linkat": "EIO ENOSPC EMLINK EPERM",
    "lseek": "ESPIPE EIO",
    "lstat": "EACCES EIO ENOMEM",
    "madvise": "ENOMEM EAGAIN EINVAL",
    "mkdir": "ENOSPC EACCES EROFS",
    "mkdirat": "ENOSPC EACCES",
    "mlock": "ENOMEM EPERM EAGAIN",
    "mmap": "ENOMEM EAGAIN EPERM",
    "mprotect": "ENOMEM EACCES",
    "munlock": "ENOMEM",
    "munmap": "ENOMEM",
    "nanosleep": "EINTR",
    "clock_nanosleep": "EINTR",
    "newfstatat": "EACCES EIO ENOMEM",
    "openat": "ENOENT EACCES EMFILE ENFILE EINTR EIO",
    "pidfd_open": "EMFILE ENFILE ENOMEM ENOSYS",
    "pipe2": "EMFILE ENFILE",
    "poll": "EINTR ENOMEM",
    "ppoll": "EINTR ENOMEM",
    "prctl": "EPERM",
    "pread64": "EIO EINTR",
    "prlimit64": "EPERM",
    "pselect6": "EINTR ENOMEM",
    "pwrite64": "EIO ENOSPC EINTR EFBIG",
    "read": "EIO EINTR",
    "readlink": "EACCES EIO",
    "readlinkat": "EACCES EIO",
    "recvfrom": "EINTR EAGAIN ECONNRESET ENOMEM",
    "recvmsg": "EINTR ECONNRESET ENOMEM",
    "rename": "EIO ENOSPC EACCES",
    "renameat": "EIO ENOSPC EACCES",
    "renameat2": "EIO ENOSPC EACCES EINVAL ENOSYS",
    "rmdir": "EACCES EBUSY",
    "rseq": "ENOSYS",
    "rt_sigaction": "EPERM",
    "rt_sigprocmask": "EPERM",
    "sendmmsg": "EINTR ENOBUFS",
    "sendmsg": "EPIPE ECONNRESET EINTR ENOBUFS",
    "sendto": "EPIPE ECONNRESET EINTR EAGAIN ENOBUFS",
    "set_robust_list": "ENOSYS",
    "setegid": "EPERM",
    "setgroups": "EPERM ENOMEM",
    "setitimer": "EPERM",
    "setpgid": "EPERM EACCES",
    "setresgid": "EPERM EAGAIN",
    "setresuid": "EPERM EAGAIN",
    "setrlimit": "EPERM",
    "setsid": "EPERM",
    "setsockopt": "ENOMEM ENOPROTOOPT",
    "shutdown": "ENOTCONN",
    "signalfd4": "EMFILE ENFILE ENOMEM",
    "socket": "EMFILE ENFILE ENOBUFS EAFNOSUPPORT EACCES",
    "socketpair": "EMFILE ENFILE",
    "stat": "EACCES EIO ENOMEM",
    "statfs": "EACCES EIO",
    "timer_create": "EAGAIN ENOMEM EPERM",
    "timer_gettime": "EPERM",
    "timer_settime": "EPERM",
    "uname": "EPERM",
    "unlink": "EIO EACCES",
    "unlinkat": "EIO EACCES EROFS",
    "wait4": "EINTR ECHILD",
    "waitid": "EINTR ECHILD",
    "write": "EIO ENOSPC EINTR EPIPE EAGAIN",
    "writev": "EIO ENOSPC EPIPE",
}

# The kernel does not say -ENOMEM here, it gives the end as it was.
RETURNS = {"brk": "0"}

# What is looked at rather than believed: it says that it worked, and has done nothing.
PRETENDING = {"setgroups", "setresgid", "setresuid"}

# Calls that always succeed, so that nobody looks at what they return; that do not return; and of which each error is an
# answer (futex).
INFALLIBLE = set(
    "alarm arch_prctl clock_gettime exit exit_group futex getegid geteuid getgid getpgrp getpid getppid gettid getuid"
    " restart_syscall rt_sigreturn sched_yield set_tid_address sysinfo umask".split()
)


def of_call(call):
    """The faults of one kind of call as strace takes them; none where it cannot fail. KeyError: nobody has thought of it."""
    if call in INFALLIBLE:
        return []
    if call in RETURNS:
        return ["retval=" + RETURNS[call]]
    return ["error=" + error for error in ERRORS[call].split()] + ["retval=0"] * (call in PRETENDING)
