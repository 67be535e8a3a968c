"""Places that are not this board: AWS Lambda today, on-premises servers and other edges later.

Each implements the port `roost_inference.ports.Target`. The cloud helps and is never a leash: every call has a deadline, one
attempt, and an error type that says what happened; what to do about it is the scheduler's business.
"""
