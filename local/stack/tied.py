"""Becomes a command that dies with the process that started it: `python tied.py SIGNAL PARENT_PID COMMAND…`.

A supervisor that is killed cannot stop its children; the Linux kernel can. The wish survives exec, so the command keeps
this process's id. Elsewhere the command just runs.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    """Ties this process to its parent, then replaces it by the command."""
    signal_number, parent_pid, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent_pid:  # the parent died before the kernel knew
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - without a shell is how it should be


if __name__ == "__main__":
    main()
