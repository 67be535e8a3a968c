"""From a checked task tree to a plan: who does what, after what, along which way, and how long it takes.

Pure. `plan` holds the words, `allocate` makes a plan, `check` judges one without sharing a line with `allocate`, `repair`
makes a new plan for what is left after a failure. The daemon executes no plan that `check` has not passed.
"""
