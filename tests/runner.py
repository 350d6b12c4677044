"""What `python3 manage.py test` does.

Without arguments: the whole suite on the embedded back ends with the end-to-end and browser tests, then the unit
suite again on PostgreSQL. With arguments: one pytest run that takes them. What a machine lacks is left
out and named in one line; with CI=true it is a failure instead.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests import services

PROGRAMS: dict[str, Callable[[], Any]] = {
    "postgres": services.postgres_bin,
    "redis": services.redis_program,
    "browser": services.chromium_program,
}


def missing() -> dict[str, str]:
    """Return {marker: program} of what is not installed here."""
    found = {}
    for marker, find in PROGRAMS.items():
        try:
            find()
        except services.Missing as error:
            found[marker] = str(error)
    return found


def _pytest(title: str, arguments: list[str], **environment: str) -> int:
    print(f"\n== {title}", flush=True)
    started = time.monotonic()
    code = subprocess.call(
        [sys.executable, "-m", "pytest", *arguments], env=os.environ | environment
    )
    print(f"== {title}: {time.monotonic() - started:.0f} s, exit {code}", flush=True)
    return code


def main(arguments: list[str]) -> int:
    """Run the tests; return the exit code."""
    if arguments:
        return _pytest("tests", arguments)
    absent = missing()
    if absent and services.in_ci():
        print(f"test: CI needs {', '.join(absent.values())}", file=sys.stderr)
        return 1
    # Measured on two cores: 77 s for the unit suite with two processes, 105 s with one.
    quick = ["-q", "-n", str(min(4, os.cpu_count() or 1)), "-m"]
    codes = [_pytest("unit suite, SQLite", [*quick, "not postgres and not e2e and not browser"])]
    if "postgres" not in absent:
        with services.postgres() as url:
            codes.append(
                _pytest(
                    "unit suite, PostgreSQL",
                    [*quick, "not e2e and not browser"],
                    TEST_DATABASE_URL=url,
                    DATABASE_URL=url,
                )
            )
    codes.append(_pytest("end to end", [*quick, "e2e and not browser"]))
    if "browser" not in absent:
        codes.append(_pytest("browser", [*quick, "browser"]))
    with contextlib.suppress(BrokenPipeError):
        if absent:
            print(f"Left out, not installed here: {', '.join(absent.values())}.")
        print("Tests passed." if not any(codes) else "Tests FAILED.", flush=True)
    return 1 if any(codes) else 0
