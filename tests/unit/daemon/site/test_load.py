"""A site file that cannot be used says which file, which value and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost.errors import ConfigurationError
from roost_daemon.site.load import load_site


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_site(tmp_path / "none.yaml")
    assert str(caught.value) == f"cannot read the site {tmp_path}/none.yaml: No such file or directory; name an existing file"


def test_a_file_without_a_site_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text("cameras: {}\n")
    with pytest.raises(ConfigurationError, match=r"has no section 'site:'; describe areas and robots there$"):
        load_site(path)


def test_a_wrong_value_is_named(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("site: {name: harbour, areas: {base: {corners: [[0, 0]], stand: [0, 0, 0]}}}\n")
    with pytest.raises(ConfigurationError, match=r"site\.areas\.base\.corners: List should have at least 3 items"):
        load_site(path)
