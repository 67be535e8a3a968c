"""Missions: what became of a goal, from its submission to its end.

A mission is the sum of its events. `events` says which there are, `mission` folds them into a state and decides what comes
next (pure), `journal` keeps them on disk before anybody acts on them, `runner` lets them happen: it starts skills, follows
robots, asks for repairs. `ports` names what the runner needs of others, `hosts` runs skills over gRPC, `view` is a
mission as others see it.
"""
