"""From a YAML file and the environment to `RoostSettings`, with errors that name the line.

Precedence: environment (`ROOST__SECTION__KEY=value`, the value read as YAML) over the file over the defaults.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from roost.errors import ConfigurationError
from roost_daemon.config import RoostSettings

ENVIRONMENT_PREFIX = "ROOST__"
_DELIMITER = "__"

Location = tuple[str | int, ...]


def load_settings(path: Path, environment: Mapping[str, str]) -> RoostSettings:
    """The settings in a file, with the environment laid over them.

    Raises `ConfigurationError` that names file and line (or the variable), what is wrong, and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration {path}: {error.strerror}", remedy="name an existing file with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the configuration {path} is not text in UTF-8", remedy="save it as UTF-8") from error
    return parse_settings(text, str(path), environment)


def parse_settings(text: str, origin: str, environment: Mapping[str, str]) -> RoostSettings:
    """As `load_settings`, from text; `origin` names it in errors."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text) if root is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{origin}:{mark.line + 1}" if mark else origin
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ConfigurationError(f"{line}: not YAML: {problem}", remedy="mend that line") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{origin}:1: the configuration must be a mapping of sections", remedy=_sections())
    overlaid = set(_overlay(data, environment))
    try:
        return RoostSettings.model_validate(data)
    except ValidationError as error:
        lines = dict(_lines(root, ())) if root is not None else {}
        problems = [_describe(detail, lines, origin, overlaid) for detail in error.errors()]
        raise ConfigurationError("\n".join(problems), remedy="`roost config schema` prints what is allowed") from error


def effective_yaml(settings: RoostSettings) -> str:
    """All settings, defaults included, as YAML; secrets are hidden."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _overlay(data: dict[str, Any], environment: Mapping[str, str]) -> Iterator[Location]:
    for variable in sorted(name for name in environment if name.startswith(ENVIRONMENT_PREFIX)):
        location = tuple(variable.removeprefix(ENVIRONMENT_PREFIX).lower().split(_DELIMITER))
        try:
            value = yaml.safe_load(environment[variable])
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{variable}: its value is not YAML", remedy="quote it") from error
        section: dict[str, Any] = data
        for key in location[:-1]:
            inner = section.get(key)
            if inner is None:
                inner = section[key] = {}
            if not isinstance(inner, dict):
                raise ConfigurationError(
                    f"{variable}: '{key}' is not a section", remedy="`roost config show` prints the tree"
                )
            section = inner
        section[location[-1]] = value
        yield location


def _lines(node: yaml.Node, location: Location) -> Iterator[tuple[Location, int]]:
    """Every path of the document with its line, from 1."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*location, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*location, index), item.start_mark.line + 1
            yield from _lines(item, (*location, index))


def _describe(detail: ErrorDetails, lines: Mapping[Location, int], origin: str, overlaid: set[Location]) -> str:
    location: Location = tuple(detail["loc"])
    dotted = ".".join(str(part) for part in location) or "the configuration"
    variable = next((path for path in overlaid if path == location[: len(path)]), None)
    if variable is not None:
        where = ENVIRONMENT_PREFIX + _DELIMITER.join(str(part) for part in variable).upper()
    else:
        known = next((location[:size] for size in range(len(location), 0, -1) if location[:size] in lines), None)
        where = f"{origin}:{lines[known]}" if known is not None else origin
    if detail["type"] == "extra_forbidden":
        allowed = _fields_at(location[:-1])
        close = difflib.get_close_matches(str(location[-1]), allowed, 1)
        hint = f"did you mean '{close[0]}'?" if close else f"allowed are {', '.join(sorted(allowed)) or 'none'}"
        return f"{where}: unknown key '{dotted}'; {hint}"
    if detail["type"] == "missing":
        return f"{where}: '{dotted}' is missing"
    message = detail["msg"].removeprefix("Value error, ")
    given = f" (given: {detail['input']!r})" if not isinstance(detail["input"], dict | list | BaseModel) else ""
    return f"{where}: {dotted}: {message}{given}"


def _fields_at(location: Location) -> list[str]:
    """The keys that the model allows at a place."""
    schema: dict[str, Any] = RoostSettings.model_json_schema()
    definitions = schema.get("$defs", {})

    def resolve(part: dict[str, Any]) -> dict[str, Any]:
        for option in part.get("anyOf", []):
            if option.get("type") != "null":
                return resolve(option)
        for option in part.get("allOf", []):
            return resolve(option)
        return resolve(definitions[part["$ref"].rsplit("/", 1)[1]]) if "$ref" in part else part

    here = resolve(schema)
    for key in location:
        if isinstance(key, int):
            here = resolve(here.get("items", {}))
        elif key in here.get("properties", {}):
            here = resolve(here["properties"][key])
        else:
            extra = here.get("additionalProperties", {})
            here = resolve(extra) if isinstance(extra, dict) else {}
    return list(here.get("properties", {}))


def _sections() -> str:
    return "its sections are " + ", ".join(RoostSettings.model_fields)
