"""The README's table of environment variables is what the code reads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = {"text", "boolean", "integer", "words", "generated", "networks", "_raw", "_parsed"}


def names_read(path: Path) -> set[str]:
    """Return the first arguments of calls that read a variable."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        first = node.args[0]
        if name in READERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            names.add(first.value)
    return {name for name in names if re.fullmatch(r"[A-Z][A-Z_]+", name)}


def test_the_table_lists_exactly_the_variables_that_are_read() -> None:
    code = set[str]()
    for module in ("env", "settings", "login_settings"):
        code |= names_read(ROOT / f"statusplatform/{module}.py")

    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert table == code
