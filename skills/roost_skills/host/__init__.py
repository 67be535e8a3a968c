"""The process that runs skills: one per robot, without ROS, reached over a Unix socket.

`servicer` runs one skill at a time and ends it when its client goes away, when its time is up, or when the process is told
to stop. `context` is what a running skill may touch: the robot through its gateway, the models through the daemon. `main`
wires them up. Nothing here can move a robot by itself, and nothing here may import rclpy.
"""
