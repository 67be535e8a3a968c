"""The story of `roost demo`: a simulated site behind ROS 2, two acts of load, one mission, one view, one picture."""
