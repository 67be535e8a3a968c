"""One picture of the site: places, passages, objects and robots, read by grounding, planning, gateways and the demo's worlds.

Pure. `model` holds the words, `way` finds the shortest way that keeps out of what is forbidden.
"""
