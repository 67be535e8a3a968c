"""What robots can do.

A skill declares a contract (`roost.contract`) and fulfils it in one coroutine (`roost.skill`). `registry` knows which skills
there are, `library` holds them, `host` runs them in a process of their own, without ROS. This room knows only `roost`.
"""
