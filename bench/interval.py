"""How even the checks are: interval error at the target, and CPU a check, idle costs included.

    .venv/bin/python -m bench.interval [--monitors 1000] [--interval 20] [--seconds 40]
                                       [--servers] [--hanging 5]

A real worker and beat check a small server on loopback, on SQLite and the file broker, or with `--servers` on PostgreSQL and
Redis; `--hanging` per cent of the targets never answer. The interval error is what two successive arrivals of a
monitor's request at the server lie apart, less the interval; the targets that hang are left out of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from itertools import pairwise

from bench import stage
from bench.target import Arrivals, running_target

HEAD = [
    "monitors", "on", "hanging", "checks", "error ms p50", "p90", "p99", "most", "worker ms a check",
    "beat CPU", "MB",
]  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """What is measured: every `hanging`-th per cent of `monitors` hangs, each runs every `interval_s`."""

    monitors: int = 1000
    interval_s: int = 20
    seconds: float = 40
    servers: bool = False
    hanging: int = 0


def measure(scene: Scene) -> list[str]:
    """Return a row of the table. Once in a process."""
    kind = "postgresql" if scene.servers else "sqlite"
    with (
        running_target() as target,
        stage.prepared(database=kind, redis=scene.servers) as environment,
    ):
        import django

        django.setup()
        from bench.rows import make_monitors

        def url_of(number: int) -> str:
            kind = "hang" if number % 100 < scene.hanging else "ok"
            return f"{target.url}/{kind}/{number}"

        make_monitors(scene.monitors, url_of, interval_s=scene.interval_s, is_due=True)
        python = [sys.executable, "-m", "celery", "-A", "statusplatform"]
        with (
            stage.running(*python, *stage.WORKER, environment=environment) as worker,
            stage.running(*python, *stage.BEAT, environment=environment) as beat,
        ):
            stage.wait_until(
                lambda: len(target.arrivals()) == scene.monitors,
                within_s=180,
                every_s=1,
            )
            # A further round: the first one reads every definition, and the failures change states.
            time.sleep(scene.interval_s)
            since = time.monotonic()
            before = stage.cpu_s(worker.pid), stage.cpu_s(beat.pid)
            time.sleep(scene.seconds)
            after = stage.cpu_s(worker.pid), stage.cpu_s(beat.pid)
            until, memory = time.monotonic(), stage.rss_mb(worker.pid)
            arrivals = target.arrivals()
    errors, checks = _errors(arrivals, scene.interval_s, since, until)
    return [
        f"{scene.monitors:,} every {scene.interval_s} s",
        "PostgreSQL, Redis" if scene.servers else "SQLite, files",
        f"{scene.hanging} %",
        f"{checks}",
        *(f"{_percentile(errors, share):.2f}" for share in (0.5, 0.9, 0.99, 1)),
        f"{(after[0] - before[0]) / max(1, checks) * 1000:.2f}",
        f"{(after[1] - before[1]) / scene.seconds * 100:.1f} %",
        f"{memory:.0f}",
    ]


def _errors(
    arrivals: Arrivals, interval_s: int, since: float, until: float
) -> tuple[list[float], int]:
    """Return the interval errors in order (ms), and how many checks there were."""
    errors, checks = [], 0
    for path, moments in arrivals.items():
        seen = [moment for moment in moments if since <= moment <= until]
        checks += len(seen)
        if not path.startswith(b"/hang/"):
            errors += [
                abs(later - earlier - interval_s) * 1000 for earlier, later in pairwise(seen)
            ]
    return sorted(errors), checks


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def main() -> None:
    """Measure one scene and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--servers", action="store_true")
    parser.add_argument("--hanging", type=int, default=0)
    given = parser.parse_args()
    stage.begin("interval: how even the checks are")
    scene = Scene(given.monitors, given.interval, given.seconds, given.servers, given.hanging)
    stage.table(HEAD, [measure(scene)])


if __name__ == "__main__":
    main()
