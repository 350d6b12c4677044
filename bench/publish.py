"""How long from the first failing check to the public JSON, and from the first passing one: medians in ms.

    .venv/bin/python -m bench.publish [--back-ends embedded|servers] [--times 6]

Runs a whole installation (`manage.py up`) with one monitor every 2 s against a loopback target, breaks and
repairs the target, and polls `components.json` every 5 ms as a reader would. `servers` starts PostgreSQL and
Redis of its own. Wall times: run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path
from statistics import median

from tests import services
from tests.e2e.harness import Installation, installation, wait_for
from tests.e2e.target import Target, running_target
from tests.e2e.test_main_job import CONFIGURATION, component_status


def turn(place: Installation, target: Target, *, broken: bool) -> float:
    """Break or repair the target; return the ms from its first such answer to the public JSON."""
    wanted = "partial_outage" if broken else "operational"
    began = time.monotonic()
    target.broken = broken
    wait_for(lambda: component_status(place) == wanted, within_s=10, every_s=0.005)
    seen = time.monotonic()
    answered = target.first_answer_since(began, 503 if broken else 200)
    assert answered is not None
    return (seen - answered) * 1000


def main() -> None:
    """Measure and print a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--back-ends", choices=["embedded", "servers"], default="embedded")
    parser.add_argument("--times", type=int, default=6)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        urls = {}
        if options.back_ends == "servers":
            urls["database_url"] = stack.enter_context(services.postgres())
            urls["broker_url"] = stack.enter_context(services.redis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        place = stack.enter_context(installation(folder, **urls))
        target = stack.enter_context(running_target())
        place.start()
        place.apply(CONFIGURATION.format(url=target.url))
        wait_for(lambda: target.answers, within_s=10)
        time.sleep(12)  # the processes settle: they give start-up memory back after 10 s
        failures, recoveries = [], []
        for _ in range(options.times):
            failures.append(turn(place, target, broken=True))
            time.sleep(0.7)
            recoveries.append(turn(place, target, broken=False))
            time.sleep(0.7)
    for name, values in (("failing", failures), ("passing", recoveries)):
        print(
            f"{options.back_ends}: first {name} check to public JSON:"
            f" median {median(values):.0f} ms ({min(values):.0f}-{max(values):.0f}, n={len(values)})"
        )


if __name__ == "__main__":
    main()
