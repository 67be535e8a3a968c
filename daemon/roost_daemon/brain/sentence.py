"""A goal as words and signs, and a place in it: what the grammar reads with."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from roost_daemon.brain import vocabulary
from roost_daemon.brain.providers import NotUnderstoodError

MAX_WORDS = 400

_TOKEN = re.compile(r"[^\W_][\w/-]*(?:['\u2019][^\W_]+)?|[,;.!?:]")
_SKIPPED = re.compile(r"[\s\"“”()\u2026\u2013\u2014-]+")


def plain(name: str) -> str:
    """A name without what people write differently: case, blanks, underscores, hyphens."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def tokens(text: str) -> tuple[str, ...]:
    """The words and signs of a text, in small letters.

    Raises `NotUnderstoodError` for a character that belongs to neither, and for more than `MAX_WORDS`.
    """
    found = []
    position = 0
    while position < len(text):
        if skipped := _SKIPPED.match(text, position):
            position = skipped.end()
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            raise NotUnderstoodError(f"the goal cannot be read at '{text[position]}' (character {position + 1})")
        found.append(token.group().casefold().replace("\u2019", "'"))
        position = token.end()
        if len(found) > MAX_WORDS:
            raise NotUnderstoodError(f"the goal has more than {MAX_WORDS} words", remedy="give it in smaller goals")
    return tuple(found)


class Sentence:
    """The tokens of a goal and how far they are read. names: the names that the site knows, by their plain form."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._tokens = tokens(text)
        self._names = names
        self._most_words = max((len(re.split(r"[\s_-]+", name)) + 1 for name in names.values()), default=1)
        self.index = 0

    @property
    def at_end(self) -> bool:
        """Whether all is read."""
        return self.index >= len(self._tokens)

    @property
    def last(self) -> str:
        """The token read last, the empty string before the first."""
        return self._tokens[self.index - 1] if self.index else ""

    def peek(self, ahead: int = 0) -> str:
        """The next token, or one further ahead; the empty string past the end."""
        index = self.index + ahead
        return self._tokens[index] if index < len(self._tokens) else ""

    def accept(self, words: Collection[str]) -> str:
        """Read the next token if it is one of these; the empty string otherwise."""
        token = self.peek()
        if token and token in words:
            self.index += 1
            return token
        return ""

    def accept_phrase(self, phrases: Iterable[Sequence[str]]) -> bool:
        """Read the first of these phrases that comes next."""
        for phrase in phrases:
            if tuple(phrase) == self._tokens[self.index : self.index + len(phrase)]:
                self.index += len(phrase)
                return True
        return False

    def skip(self, words: AbstractSet[str]) -> None:
        """Read any number of these."""
        while self.accept(words):
            pass

    def known_name(self, among: AbstractSet[str]) -> tuple[str, int]:
        """The longest of these known names that comes next, and its number of tokens (0 if none comes)."""
        for count in range(min(self._most_words, len(self._tokens) - self.index), 0, -1):
            name = self._names.get(plain("".join(self._tokens[self.index : self.index + count])), "")
            if name in among:
                return name, count
        return "", 0

    def unknown_name(self) -> str:
        """Read the words up to the next one that cannot belong to a name; the empty string if none comes."""
        words = []
        while self.peek() and self.peek()[0].isalnum() and self.peek() not in vocabulary.RESERVED:
            words.append(self.peek())
            self.index += 1
        return " ".join(words)

    def unexpected(self, expected: str) -> NotUnderstoodError:
        """The refusal of what comes next."""
        token = self.peek()
        if not token:
            after = f" after '{self.last}'" if self.last else ""
            return NotUnderstoodError(f"the goal breaks off{after}; expected {expected}")
        message = f"the goal is not understood at '{token}' (word {self.index + 1}); expected {expected}"
        if token in vocabulary.NOT_UNDERSTOOD:
            return NotUnderstoodError(message, remedy=vocabulary.NOT_UNDERSTOOD[token])
        return NotUnderstoodError(message)
