"""Which task runs where, and when: pure decisions.

A `Policy` takes small immutable events with the time in them and returns a list of decisions. It imports nothing that does
I/O and never asks for the time, so the live executor, the simulator and a replayed recording drive the very same object.

- `policy`: events, decisions, the protocol that every policy fulfils
- `estimates`: what a policy expects of a task, derived from the registered model profiles
- `queues`: the edge's queue by absolute deadline, the cloud's queue by trigger time
- `dems`: the policy built so far
- `ledger`: exactly one outcome for every task, and the counts
- `trace`: the bounded ring of what was decided
- `scheduler`: policy, ledger and trace as one, and `replay`

A new policy is a new module beside `dems`; it may use `estimates` and `queues`, and nothing else has to change.
"""
