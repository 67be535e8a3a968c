"""The skills that come with Roost, one file each: a contract and one coroutine.

A skill here knows `roost` only. It moves the robot through `context.robot`, sees through `context.perception`, and says
what it does through `context.say`. Write a new one by copying the shortest, `navigate`, and name it in `registry`.
"""
