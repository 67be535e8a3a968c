"""Why a gateway refuses or ends a command: one exact type, with its stable name, for each reason."""

from __future__ import annotations

from roost.errors import RefusedError, UnavailableError, UnknownNameError


class KeepOutError(RefusedError):
    """A standing rule or the mission forbids a place."""

    reason = "KEEP_OUT"


class UnknownPlaceError(UnknownNameError):
    """A place, passage or object is named that the site does not have."""

    reason = "UNKNOWN_PLACE"


class UnknownObjectError(UnknownNameError):
    """An object is named that the site does not have."""

    reason = "UNKNOWN_OBJECT"


class BlockedError(RefusedError):
    """No way leads there that obeys the rules and uses open passages only."""

    reason = "NO_WAY"


class OutsideError(RefusedError):
    """The robot, its goal or a part of its way is off the map."""

    reason = "OFF_MAP"


class LeashError(RefusedError):
    """The next waypoint is farther off than the robot may be commanded."""

    reason = "LEASH"


class SpeedError(RefusedError):
    """The robot runs faster than its bound."""

    reason = "SPEED"


class SilentRobotError(UnavailableError):
    """The robot's odometry is too old, or never came."""

    reason = "STALE_ODOMETRY"


class NoHeartbeatError(RefusedError):
    """No daemon owns the robot now."""

    reason = "NO_HEARTBEAT"


class NotAcceptingError(RefusedError):
    """The gateway is starting or leaving."""

    reason = "NOT_ACCEPTING"


class HeldError(RefusedError):
    """The robot is being stopped."""

    reason = "HELD"


class BusyError(RefusedError):
    """The robot does something else."""

    reason = "BUSY"
