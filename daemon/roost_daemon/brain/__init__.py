"""From words to a checked specification.

A provider (`providers`; the first is `grammar`) turns the text of a goal into a typed task tree (`tree`); no provider, a
language model least of all, writes temporal logic. Code grounds the tree's names (`grounding`), compiles it to formulas over
finite traces (`compiler`) and checks them (`verifier`, with a run that shows it in `scenario`). What comes out can be said
in plain words (`words`). `road` goes the whole way.
"""
