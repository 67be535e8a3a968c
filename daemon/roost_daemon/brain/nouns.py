"""Names and pronouns in a goal: which thing of which kind is meant."""

from __future__ import annotations

from roost_daemon.brain import vocabulary as words
from roost_daemon.brain.sentence import Sentence, plain
from roost_daemon.site.model import Site


class Nouns:
    """Reads names from a sentence. Kinds: `robot`, `place`, `object`; a name that the site lacks is kept as it is written."""

    def __init__(self, text: str, site: Site) -> None:
        self._known = {"robot": frozenset(site.robots), "object": frozenset(site.objects), "place": frozenset(site.areas)}
        self.sentence = Sentence(text, {plain(name): name for names in self._known.values() for name in names})
        self._said: dict[str, str] = {}  # the last name of each kind, for "it" and "there"

    def last(self, kind: str) -> str:
        """The name of that kind said last, the empty string for none."""
        return self._said.get(kind, "")

    def is_known(self, kind: str, name: str) -> bool:
        """Whether the site has it."""
        return name in self._known[kind]

    def known(self, *kinds: str) -> str:
        """Read a known name of one of these kinds, if one comes next; the empty string otherwise."""
        name, count = self._next(*kinds)
        self.sentence.index += count
        return name

    def comes(self, *kinds: str, ahead: int = 0) -> bool:
        """Whether a known name of one of these kinds follows, or an article."""
        sentence = self.sentence
        sentence.index += ahead
        comes = sentence.peek() in words.ARTICLES or self._next(*kinds)[1] > 0
        sentence.index -= ahead
        return comes

    def possible_robot(self) -> str:
        """Read a robot's name: a known one, or words that are no known place or object; the empty string for neither."""
        return self.known("robot") or ("" if self._next("place", "object")[1] else self.sentence.unknown_name())

    def read(self, kind: str, expected: str) -> str:
        """Read the name of a thing of this kind, or a pronoun for the last one.

        Raises `NotUnderstoodError` where no name follows; expected: what should, for its message.
        """
        sentence = self.sentence
        sentence.skip(words.FILLERS)
        if sentence.peek() in words.PRONOUNS and kind in self._said:
            sentence.index += 1
            return self._said[kind]
        sentence.skip(words.ARTICLES | words.FILLERS)
        # Something of another kind, or unknown, is kept as it is, for grounding to refuse by name.
        name = (self.known(kind) if kind in self._known else "") or self.known(*self._known) or sentence.unknown_name()
        if not name:
            raise sentence.unexpected(expected)
        self._said[kind] = name
        return name

    def _next(self, *kinds: str) -> tuple[str, int]:
        return self.sentence.known_name(frozenset().union(*(self._known[kind] for kind in kinds)))
