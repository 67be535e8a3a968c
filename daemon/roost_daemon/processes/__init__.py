"""One supervisor for everything that runs in a process of its own: gateways, skill hosts, broker, cloud stand-in.

It knows what it starts as a command line only. `roost.restart` decides (pure) whether and when a dead child comes back,
`environment` builds a child's environment from an allow-list, `processors` says who runs on which CPU, `supervisor` does
the I/O. The engine's worker, which is tied to its target by shared memory, is started again there by the same policy.
"""
