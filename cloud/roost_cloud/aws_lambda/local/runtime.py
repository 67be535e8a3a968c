"""The main of a function's process: AWS's own runtime client, in a process that dies with the endpoint.

`python -m roost_cloud.aws_lambda.local.runtime PARENT_PID HANDLER` does what `python -m awslambdaric HANDLER` does in a
deployed container, after it has asked the kernel to be killed when its parent dies.
"""

import ctypes
import os
import signal
import sys

from awslambdaric.__main__ import main as run_runtime_client

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run until killed."""
    parent_pid, handler = int(sys.argv[1]), sys.argv[2]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "prctl")
    # The parent may have died before the kernel was asked.
    if os.getppid() == parent_pid:
        run_runtime_client([sys.argv[0], handler])


if __name__ == "__main__":
    main()
