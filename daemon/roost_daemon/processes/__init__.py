"""One supervisor for everything that runs in a process of its own: gateways, skill hosts, broker, cloud stand-in.

It knows what it starts as a command line only. `restart` decides (pure) whether and when a dead child comes back,
`environment` builds a child's environment from an allow-list, `supervisor` does the I/O.
"""
