"""The words of the grammar: verbs and the skills that they ask for, connectives, small words, and what is not understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of a task. shape: what follows it.

    place: "inspect the dock". way: "go to the dock". object: "bring the crate to the gate"; without "to …" it is only
    picked up, and a later "bring it to the gate" says where.
    """

    skill: str
    shape: str


def third_person(verb: str) -> str:
    """The form after "drone1": goes, flies, brings."""
    if verb.endswith("y") and verb[-2] not in "aeou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("o", "s", "x", "z", "ch", "sh")) else f"{verb}s"


def gerund(verb: str) -> str:
    """The form after "without": entering, driving, going."""
    return f"{verb[:-1]}ing" if verb.endswith("e") and not verb.endswith("ee") else f"{verb}ing"


def _forms(verbs: Iterable[str]) -> dict[str, str]:
    return {form: verb for verb in verbs for form in (verb, third_person(verb))}


WAY_VERBS = _forms(("go", "drive", "fly", "navigate", "travel", "head", "return", "come", "move", "proceed", "walk", "get"))
"""Verbs of motion: a place follows after "to"."""

PLACE_VERBS = {
    **dict.fromkeys(_forms(("inspect", "check", "examine", "look", "survey")), "inspect"),
    **dict.fromkeys(_forms(("visit", "reach")), "navigate"),
}
"""Verbs that a place follows directly ("look" with "at"), with their skills."""

OBJECT_VERBS = _forms(
    ("bring", "carry", "take", "move", "deliver", "transport", "haul", "fetch", "grab", "collect", "pick", "get")
)
"""Verbs that an object follows; "move" and "get" are of motion before "to"."""

ENTER_VERBS = _forms(("enter", "cross", "visit", "use"))
"""Verbs of a rule that a place follows directly; verbs of motion with one of `INTO` are the others."""

INTO = frozenset({"through", "into", "to", "in", "inside", "over", "across", "via"})
KEEP_VERBS = _forms(("keep", "stay", "remain"))
KEEP_FROM = (("out", "of"), ("away", "from"), ("off",), ("clear", "of"))
AVOID = frozenset({"avoid", "avoids", "avoiding"})
GERUNDS = {gerund(verb): verb for verb in {*ENTER_VERBS.values(), *WAY_VERBS.values()}}

ARTICLES = frozenset({"the", "a", "an", "this", "that"})
PRONOUNS = frozenset({"it", "there"})
MODALS = frozenset({"should", "must", "shall", "will", "can", "may", "is", "needs", "need", "has"})
NEGATIONS = frozenset({"never", "not", "don't", "doesn't", "mustn't", "can't", "cannot", "won't", "shouldn't"})
AUXILIARIES = frozenset({"do", "does"})
FORBIDDING = NEGATIONS | {"without"}
LEADS = frozenset({"let", "have", "make", "tell", "ask", "send"})
OPENINGS = (("i", "want"), ("i", "need"), ("we", "want"), ("we", "need"), ("could",), ("can",), ("would",), ("will",))
ALWAYS = (("at", "all", "times"), ("at", "any", "time"), ("always",), ("at", "all"))
NOBODY = (("nobody",), ("no", "one"), ("no", "robot"), ("none",))
FILLERS = frozenset(
    {"please", "now", "also", "just", "kindly", "first", "firstly", "back", "over", "both", "too", "again", "straight"}
)

RULE_OPENINGS = FORBIDDING | AUXILIARIES | MODALS | FILLERS | {"ever"}

THEN = (
    ("after", "that"),
    ("after", "this"),
    ("after", "which"),
    ("then",),
    ("afterwards",),
    ("afterward",),
    ("next",),
    ("finally",),
    ("lastly",),
    ("later",),
)
BESIDE = (
    ("at", "the", "same", "time"),
    ("in", "the", "meantime"),
    ("in", "parallel"),
    ("meanwhile",),
    ("meantime",),
    ("simultaneously",),
    ("while",),
    ("whilst",),
)
AND = frozenset({"and", "but", "plus", "yet"})
STOPS = frozenset({";", ".", "!", "?"})
PREPOSITIONS = frozenset({"to", "into", "at", "from", "in", "on", "onto", "for", "with", "towards", "toward"})

NOT_UNDERSTOOD = {
    "or": "a choice is not understood in a task; name what is to be done",
    "if": "conditions are not understood",
    "when": "conditions are not understood",
    "whenever": "conditions are not understood",
    "unless": "conditions are not understood",
    "until": "conditions are not understood",
    "before": "say the order with 'first … then …'",
    "after": "say the order with 'first … then …'",
    "within": "a time limit is given with --deadline, not in the words",
    "by": "a time limit is given with --deadline, not in the words",
    "in": "a time limit is given with --deadline, not in the words",
    "every": "repetition is not understood",
    "repeatedly": "repetition is not understood",
    "twice": "repetition is not understood",
    "all": "name each robot and each place",
    "everything": "name each robot and each place",
    "everyone": "name each robot and each place",
    "stop": "to stop robots use `roost stop`, to end a mission `roost cancel`",
    "cancel": "to stop robots use `roost stop`, to end a mission `roost cancel`",
    "abort": "to stop robots use `roost stop`, to end a mission `roost cancel`",
    "halt": "to stop robots use `roost stop`, to end a mission `roost cancel`",
}
"""Words that people use and the grammar does not take, with what to do instead."""

RESERVED = frozenset().union(
    ARTICLES, PRONOUNS, NEGATIONS, AUXILIARIES, AND, PREPOSITIONS, INTO, {"or", "nor", "without", "through"}, AVOID,
    (words[0] for words in (*THEN, *BESIDE)), NOT_UNDERSTOOD, FILLERS, MODALS, WAY_VERBS, PLACE_VERBS, OBJECT_VERBS,
    KEEP_VERBS,
)  # fmt: skip
"""Words that end a name which the site does not know; a name that it knows may hold any of them."""
