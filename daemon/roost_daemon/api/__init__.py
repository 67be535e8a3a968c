"""The gRPC control API: thin faces over the rooms below, one file a service.

Each service converts messages and calls one part of the daemon; it decides nothing. Errors leave by the convention of
`roost.wire`. `server` opens the Unix socket (and TCP, only with TLS) and serves `grpc.health.v1`.
"""
