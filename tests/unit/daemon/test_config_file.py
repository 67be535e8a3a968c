"""The configuration: every mistake is named with its line (or its variable) and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost.errors import ConfigurationError
from roost_daemon.config import RoostSettings
from roost_daemon.config_file import effective_yaml, load_settings, parse_settings

REMEDY = "; `roost config schema` prints what is allowed"


def complaint(text: str, **environment: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(text, "roost.yaml", environment)
    return str(caught.value)


def test_an_empty_file_gives_the_defaults() -> None:
    assert parse_settings("", "roost.yaml", {}) == RoostSettings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("daemon:\n  nme: x\n", "roost.yaml:2: unknown key 'daemon.nme'; did you mean 'name'?"),
        ("\n\nlog:\n  zzz: 1\n", "roost.yaml:4: unknown key 'log.zzz'; allowed are file, format, level"),
        (
            "log:\n  level: loud\n",
            "roost.yaml:2: log.level: Input should be 'debug', 'info', 'warning' or 'error' (given: 'loud')",
        ),
        (
            "gateways:\n  heartbeat_timeout_ms: 100\n",
            "roost.yaml:2: gateways.heartbeat_timeout_ms: Input should be greater than or equal to 500 (given: 100)",
        ),
        (
            "cloud:\n  aws_lambda:\n    access_key_id: a\n",
            "roost.yaml:2: cloud.aws_lambda: access_key_id and secret_access_key go together: give both or neither",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, expected: str) -> None:
    assert complaint(text) == expected + REMEDY


def test_several_mistakes_are_all_named() -> None:
    message = complaint("log:\n  level: loud\n  format: html\n")
    assert "roost.yaml:2: log.level" in message
    assert "roost.yaml:3: log.format" in message


def test_text_that_is_not_yaml_names_the_line() -> None:
    assert complaint("log: [\n").startswith("roost.yaml:2: not YAML: ")


def test_a_list_is_no_configuration() -> None:
    assert complaint("- 1\n").startswith("roost.yaml:1: the configuration must be a mapping of sections; its sections are ")


def test_the_environment_wins_over_the_file() -> None:
    settings = parse_settings("log: {level: debug}\n", "roost.yaml", {"ROOST__LOG__LEVEL": "error", "HOME": "/"})
    assert settings.log.level == "error"


def test_a_mistake_in_the_environment_names_the_variable() -> None:
    assert complaint("", ROOST__LOG__LEVEL="loud").startswith("ROOST__LOG__LEVEL: log.level: Input should be")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, {})
    assert str(caught.value) == (
        f"cannot read the configuration {path}: No such file or directory; name an existing file with --config"
    )


def test_secrets_are_hidden_when_the_settings_are_shown() -> None:
    text = "cloud: {aws_lambda: {access_key_id: visible-id, secret_access_key: visible-key}}\n"
    shown = effective_yaml(parse_settings(text, "roost.yaml", {}))
    assert "visible" not in shown
    assert parse_settings(shown.replace("'**********'", "x"), "shown", {}).cloud.aws_lambda is not None


def test_every_field_has_a_title_and_a_description() -> None:
    schema = RoostSettings.model_json_schema()
    for part in [schema, *schema["$defs"].values()]:
        for name, field in part.get("properties", {}).items():
            described = field.get("description") or schema["$defs"][field["$ref"].rsplit("/", 1)[1]]["description"]
            assert field.get("title") and described, f"{part['title']}.{name}"
