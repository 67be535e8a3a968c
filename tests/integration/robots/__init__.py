"""Gateways and simulated robots. A package, so that its fixtures of that scope end with it and not with the session."""
