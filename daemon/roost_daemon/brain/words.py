"""Steps, groups and propositions in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from roost_daemon.brain.tree import Node, Order, Step

GROUP_LABELS: Mapping[Order, str] = {"sequence": "one after the other", "parallel": "side by side"}

_LABELS = {
    "navigate": "go to the {place}",
    "inspect": "inspect the {place}",
    "carry": "bring the {object} to the {place}",
}
_CLAUSES = {
    "navigate": "{robot} goes to the {place}",
    "inspect": "{robot} inspects the {place}",
    "carry": "{robot} brings the {object} to the {place}",
}


def step_label(skill: str, arguments: Mapping[str, str]) -> str:
    """What a step is, as an order: "inspect the depot"; for a skill that has no words of its own its name and arguments."""
    if skill in _LABELS and _says_all(_LABELS[skill], arguments):
        return _LABELS[skill].format_map(dict(arguments))
    return " ".join((skill, *arguments.values()))


def node_clause(node: Node) -> str:
    """What a node is, as a statement: "drone1 inspects the depot", "first …, then …"."""
    if isinstance(node, Step):
        robot = node.robot or "somebody"
        values = {**node.arguments, "robot": robot}
        if node.skill in _CLAUSES and _says_all(_CLAUSES[node.skill], values):
            return _CLAUSES[node.skill].format_map(values)
        return f"{robot} does '{node.label}'"
    clauses = [node_clause(child) if isinstance(child, Step) else f"({node_clause(child)})" for child in node.children]
    if node.order == "sequence":
        return "first " + ", then ".join(clauses)
    return f"{' and '.join(clauses)}, side by side"


def _says_all(template: str, values: Mapping[str, str]) -> bool:
    return all(f"{{{name}}}" in template for name in values) and template.count("{") == len(values)
