"""The scheduler on a virtual clock: the very policy that runs live, in a world made of random numbers by seed.

- `load`: who asks for what how often, in acts; `plan_load` computes the demo's three acts from measured profiles
- `environment`: how far real edge and cloud times stray from what a policy expects, all keyed by seed
- `run`: the event loop on a heap

Every draw belongs to (seed, stream, number of the task, quantity), so that two policies, or two loads that differ in one
stream, meet the same world (common random numbers).
"""
