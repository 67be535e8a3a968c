"""Shared memory: what robots and daemons hold to be so, the same on every daemon of a site.

A fact is a value under a key, with who says so, when it was so, how sure, in which frame, and until when it is worth
anything. Daemons share facts over an MQTT 5 broker: one retained topic a fact, so that a newcomer gets them all at once. Two
daemons that know the same facts show the same memory, whatever the order in which they came: of two facts with one key the
later stamp of a hybrid logical clock wins, for any reading of the wall clocks.

`fact` is the pure core, `wire` its form in a message, `store` holds the facts of this daemon, `replication` is the adapter
to the broker. Memory helps and is never a leash: without a broker a daemon goes on with what it knows.
"""
