"""Reading of plain YAML values with errors that name the file, the key and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from roost.errors import ConfigurationError


class Fields:
    """One mapping of a file; every key is asked for once, and `finish` refuses those that nobody asked for."""

    def __init__(self, path: Path, data: object, prefix: str = "") -> None:
        self._path = path
        self._prefix = prefix
        if not isinstance(data, Mapping):
            raise ConfigurationError(
                f"{path}: {prefix or 'the file'} is not a mapping", remedy="write it as 'key: value' lines"
            )
        self._data = data
        self._asked: list[str] = []

    def has(self, key: str) -> bool:
        """Whether the key stands there with a value."""
        return self._data.get(key) is not None

    def section(self, key: str) -> Fields:
        """A mapping below this one; empty where it is absent."""
        self._asked.append(key)
        return Fields(self._path, self._data.get(key, {}), self._name(key))

    def text(self, key: str, default: str | None = None) -> str:
        """A word. Without a default it must be there."""
        value = self._value(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, value, "a word")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of the allowed words."""
        value = self._value(key, default)
        if value not in allowed:
            raise self.wrong(key, value, " or ".join(allowed))
        return str(value)

    def number(self, key: str, default: float, minimum: float = float("-inf")) -> float:
        """A number of at least `minimum`."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < minimum:
            bound = "" if minimum == float("-inf") else f" of at least {minimum:g}"
            raise self.wrong(key, value, f"a number{bound}")
        return float(value)

    def whole(self, key: str, default: int, minimum: int = 0) -> int:
        """A whole number of at least `minimum`."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self.wrong(key, value, f"a whole number of at least {minimum}")
        return value

    def channels(self, key: str, default: float) -> tuple[float, ...]:
        """One number for all channels, or three."""
        value = self._value(key, default)
        values = value if isinstance(value, list) else [value]
        numbers = [float(item) for item in values if isinstance(item, (int, float)) and not isinstance(item, bool)]
        if len(numbers) not in (1, 3) or len(numbers) != len(values):
            raise self.wrong(key, value, "a number or a list of three")
        return tuple(numbers)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                raise ConfigurationError(
                    f"{self._path}: unknown key '{self._name(str(key))}'", remedy=f"allowed: {', '.join(sorted(self._asked))}"
                )

    def wrong(self, key: str, value: object, allowed: str) -> ConfigurationError:
        """The error for a bad value."""
        if value is None:
            return ConfigurationError(f"{self._path}: '{self._name(key)}' is missing", remedy=f"give {allowed}")
        return ConfigurationError(f"{self._path}: '{self._name(key)}' is {value!r}", remedy=f"allowed: {allowed}")

    def raw(self, key: str) -> object:
        """The value as it stands."""
        return self._value(key, None)

    def _value(self, key: str, default: object) -> object:
        self._asked.append(key)
        value = self._data.get(key)
        return default if value is None else value

    def _name(self, key: str) -> str:
        return f"{self._prefix}.{key}" if self._prefix else key
