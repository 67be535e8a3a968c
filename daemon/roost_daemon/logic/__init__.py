"""Linear temporal logic over finite traces: what must hold along a mission, decided without any I/O.

`formula` holds the syntax, `parser` and `words` its notations, `semantics` the definition of truth, `diagram` and
`progression` the machinery, `automaton` the answers (satisfiable? a trace that shows it?), `monitor` the verdict of a trace
that still grows. A trace is a non-empty sequence of letters; a letter is the set of atoms that are true at that position.
Nothing here knows what an atom means. The semantics in words: `docs/logic.md`.
"""
