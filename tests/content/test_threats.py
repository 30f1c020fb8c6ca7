"""The threat model names what is there."""

import re

from tests.infrastructure.recording import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()


def test_every_file_that_the_threat_model_names_is_there() -> None:
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|txt))`", PAGE))
    assert len(named) > 20
    assert [path for path in sorted(named) if not (ROOT / path).exists() and path != "/tmp"] == []


def test_every_threat_has_what_stops_it_a_test_and_what_is_left() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| **")]
    assert len(rows) >= 12
    for threat, stops, shown, left in rows:
        assert re.search(r"`[\w./-]+`", stops), f"{threat}: no file stops it"
        assert re.search(r"`(?:tests/|make )", shown), f"{threat}: no test shows it"
        assert left.strip(), f"{threat}: nothing is said of what is left"
