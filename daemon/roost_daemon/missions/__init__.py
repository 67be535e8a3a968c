"""Missions: what became of a goal, from its submission to its end.

A mission is the sum of its events. `events` says which there are, `mission` folds them into a state and decides what comes
next, `planner` makes its plans (all pure). `journal` keeps events on disk before anybody acts on them, `runner` lets them
happen, with what `surroundings` knows of robots and objects. `ports` names what the runner needs of others, `hosts` runs
skills over gRPC, `view` is a mission as others see it.
"""
