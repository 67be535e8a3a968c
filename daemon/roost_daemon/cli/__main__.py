"""`python -m roost_daemon.cli` is `roost`."""

from roost_daemon.cli import main

main()
