"""What may move a robot: one gateway process per robot, and nothing beside it.

`command_gate` decides (pure): standing rules, what a mission forbids, closed passages, the map's edge, speed, leash, and
whether robot and daemon are there at all. `motion` judges rest from odometry, `heartbeat` whether an owner lives (both pure).
`gateway` is the live core over a `driver` port; `service` serves it to the daemon and the skills; `ownership` makes sure that
a robot has one gateway only. ROS is on the other side of the port, in `roost_daemon.ros`.
"""
