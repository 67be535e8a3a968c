"""The variables that put a process into a ROS domain, whatever ROS was sourced before. Imports no ROS."""

from __future__ import annotations

from pathlib import Path

FASTDDS_PROFILE = Path(__file__).with_name("fastdds.xml")


def ros_environment(domain_id: int, discovery_range: str = "LOCALHOST") -> dict[str, str]:
    """ROS domain, how far discovery reaches, no static peers, Fast DDS with our profile (camera images need its buffers)."""
    return {
        "ROS_DOMAIN_ID": str(domain_id),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": discovery_range,
        "ROS_STATIC_PEERS": "",
        "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp",
        "FASTDDS_DEFAULT_PROFILES_FILE": str(FASTDDS_PROFILE),
    }
