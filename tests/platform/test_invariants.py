"""The page of invariants names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/invariants.md").read_text()


def test_every_invariant_names_tests_that_exist() -> None:
    promised = re.findall(r"^(\d+)\. ", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    rows = dict(re.findall(r"^\| (\d+) \| .* \| (`tests/.*) \|$", PAGE, re.MULTILINE))
    named = {test for tests in rows.values() for test in re.findall(r"`(tests/[^`]+)`", tests)}

    missing = [
        test
        for test in sorted(named)
        if f"def {test.partition('::')[2]}(" not in (ROOT / test.partition("::")[0]).read_text()
    ]

    assert list(rows) == promised[-12:]
    assert missing == []
