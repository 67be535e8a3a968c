"""The main of a function's process: AWS's own runtime client, in a process that dies with the endpoint.

`python -m roost_cloud.aws_lambda.local.runtime PARENT_PID HANDLER` does what `python -m awslambdaric HANDLER` does in a
deployed container, after it has asked the kernel to be killed when its parent dies.
"""

import sys

from awslambdaric.__main__ import main as run_runtime_client

from roost.lifeline import die_with_parent


def main() -> None:
    """Run until killed."""
    parent_pid, handler = int(sys.argv[1]), sys.argv[2]
    die_with_parent(parent_pid)
    run_runtime_client([sys.argv[0], handler])


if __name__ == "__main__":
    main()
