"""The `roost` command. Each verb imports what it needs when it runs, so that `--help` and completion are quick."""

from __future__ import annotations

import os
import sys

from roost_daemon.cli.exit_codes import ExitCode, exit_code


def main() -> None:
    """Run the command line; errors of our own become one line and an exit code (see `exit_codes`)."""
    # We fork only to exec: gRPC need not prepare for it, and must be told before it is imported.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    from typer import Abort

    from roost.errors import RoostError
    from roost_daemon.cli.commands import roost
    from roost_daemon.cli.output import print_error

    try:
        roost(standalone_mode=True)
    except RoostError as error:
        print_error(error)
        sys.exit(exit_code(error))
    except (KeyboardInterrupt, Abort):
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone (`roost watch … | head`): that is no mistake of ours.
        sys.stderr.close()
        sys.exit(ExitCode.OK)
