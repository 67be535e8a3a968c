"""Whole daemons and whole demos. A package, so that its fixtures of that scope end with it and not with the session."""
