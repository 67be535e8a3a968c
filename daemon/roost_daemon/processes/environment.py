"""A child's environment, from an allow-list.

Nothing of the parent's environment reaches a child unless it is named here: no AWS variables, no sourced ROS, no proxies, and
not the library path that the rclpy wheels' start-up hook leaks into every process it touches.
"""

from __future__ import annotations

from collections.abc import Mapping

RUN_MARK = "ROOST_RUN"
"""Names the run that a process belongs to, so that nothing of it is forgotten when it ends."""

ALLOWED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "NO_COLOR", RUN_MARK)


def child_environment(parent: Mapping[str, str], **extra: str) -> dict[str, str]:
    """The allowed part of the parent's environment, and what this child needs besides."""
    return {name: parent[name] for name in ALLOWED if name in parent} | extra
