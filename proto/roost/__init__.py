"""Roost's public face: time, errors, what a skill declares, the robot that a skill sees.

`import roost` needs the standard library only. The gRPC contract lives in `roost.v1` (generated), the client in
`roost.client`; both need the `grpcio` package and are imported by name.
"""

from roost.clock import Clocks, Deadline
from roost.contract import Parameter, SkillContract
from roost.errors import RoostError

__all__ = ["Clocks", "Deadline", "Parameter", "RoostError", "SkillContract", "__version__"]

__version__ = "0.1.0"
