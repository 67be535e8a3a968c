"""Where frames come from: video files and network streams here; ROS image topics implement the same port in the daemon.

A camera's own thread decodes into a `slot` that holds one frame, the newest: who is slow sees fewer frames, never old ones.
"""
