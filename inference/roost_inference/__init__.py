"""Frames in, results out, on time.

The frame's road: camera -> newest-wins slot -> inference task (model, deadline, value) -> placement on a target -> result
-> subscribers. What decides (`scheduling`) is pure: it takes events and the time, and returns decisions. `service` is the
live executor around it, `simulation` drives the same policy on a virtual clock. Ports that others implement (a target, a
camera) stand in `ports`. This room knows nothing of the daemon, of skills or of the cloud.
"""
