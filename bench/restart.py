"""How long after a kill -9 of web, worker and beat every monitor has been checked again.

    .venv/bin/python -m bench.restart [--monitors 1000] [--times 1] [--back-ends embedded,servers]

`manage.py up` runs 1,000 monitors every 20 s; everything that it started is killed and `up` is started again at once. Wanted: 40 s.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from bench import stage
from bench.stage import child
from bench.target import running_target
from tests import services
from tests.e2e.harness import installation

INTERVAL_S = 20


def make(environment: dict[str, str], count: int, url: str, pipe: Connection) -> None:
    """Make the monitors in an installation's database."""
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="statusplatform.settings")
    import django

    django.setup()
    from bench.rows import make_monitors

    made = make_monitors(count, lambda n: f"{url}/ok/{n}", interval_s=INTERVAL_S, is_due=True)
    pipe.send(len(made))


def measure(back_ends: str, count: int, times: int) -> list[str]:
    """Return a row of the table."""
    with contextlib.ExitStack() as stack:
        urls = {}
        if back_ends == "servers":
            urls["database_url"] = stack.enter_context(services.postgres())
            urls["broker_url"] = stack.enter_context(services.redis())
        target = stack.enter_context(running_target())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        place = stack.enter_context(installation(folder / "data", **urls))
        place.manage("migrate", "-v0")
        with child(make, place.environment, count, target.url) as pipe:
            pipe.recv()
        place.start()
        stage.wait_until(lambda: len(target.arrivals()) == count, within_s=120, every_s=0.5)
        ready, again = [], []
        for _ in range(times):
            time.sleep(INTERVAL_S / 2)
            killed = time.monotonic()
            place.kill_everything()
            place.start()
            ready.append(time.monotonic() - killed)

            def first_after() -> list[float]:
                moments = (
                    next((at for at in seen if at > killed), None)  # noqa: B023 -- used within the turn
                    for seen in target.arrivals().values()
                )
                return [moment for moment in moments if moment is not None]

            stage.wait_until(lambda: len(first_after()) == count, within_s=300, every_s=0.5)
            again.append(max(first_after()) - killed)
    return [
        f"{count:,} every {INTERVAL_S} s",
        back_ends,
        stage.spread(ready, 1),
        stage.spread(again, 1),
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--back-ends", default="embedded,servers")
    options = parser.parse_args()
    stage.begin("restart: kill -9 of everything")
    rows = [
        measure(back_ends, options.monitors, options.times)
        for back_ends in options.back_ends.split(",")
    ]
    print("Wanted: all checked again within 40 s.")
    stage.table(["monitors", "back ends", "ready after s", "all checked again after s"], rows)


if __name__ == "__main__":
    main()
