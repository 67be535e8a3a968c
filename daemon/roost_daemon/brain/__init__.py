"""From words to a checked specification.

A provider turns the text of a goal into a typed task tree (`tree`); no provider, a language model least of all, writes
temporal logic. Code grounds the tree's names (`grounding`), compiles it to formulas over finite traces (`compiler`) and
checks them (`verifier`). What comes out can be said in plain words.
"""
