"""The composition root: builds every part from the configuration, owns every task, starts and stops in stages.

`main` is the process, `daemon` the stages, `inference`, `robots` and `shared_memory` compose a road each, `fleet` and
`skill_hosts` are the daemon's ends of the wires to gateways and skill processes. Nothing else composes.
"""

from roost_daemon.app.main import run_daemon

__all__ = ["run_daemon"]
