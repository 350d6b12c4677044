"""What a check costs from claimed to stored, beside a bare libcurl loop in the same run.

    .venv/bin/python -m bench.checks [--rounds 5] [--no-intervals]

A real worker is offered claimed batches until it is busy all the time; what counts is the CPU of its whole
process (user and system) divided by the runs stored, against a process that only fetches. Rounds alternate. Then:
how even the checks are at 1,000 and 5,000 monitors every 20 s (`bench.interval`).
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from bench import interval, stage
from bench.bare import Loop
from bench.interval import Scene
from bench.stage import child

MONITORS = 2000
PER_MESSAGE = 200
# So many claimed and not yet recorded keep the worker busy without a backlog in the broker.
AHEAD = 800
_CELERY = (sys.executable, "-m", "celery", "-A", "statusplatform")


def bare_child(url: str, ca_file: str, pipe: Connection) -> None:
    """Fetch as often as the pipe says, and answer with the CPU seconds that it took."""
    loop = Loop(url, ca_file)
    while count := pipe.recv():
        began = time.process_time()
        loop.fetch(count)
        pipe.send(time.process_time() - began)


def engine_child(kind: str, urls: list[str], ca_file: str, count: int, pipe: Connection) -> None:
    """Give a round's figures for each number and URL that the pipe brings: (CPU s, wall s, runs stored)."""
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(
            stage.prepared(database=kind, redis=kind == "postgresql", EGRESS_CA_FILE=ca_file)
        )
        import django

        django.setup()
        from bench.rows import make_monitors

        sets = {url: make_monitors(count, partial("{}?{}".format, url)) for url in urls}
        worker = stack.enter_context(
            stage.running(*_CELERY, *stage.WORKER, environment=environment)
        )
        for url in urls:
            offer(sets[url], 600)
        # The processes give start-up memory back 10 s after their start.
        time.sleep(10)
        pipe.send("ready")
        while order := pipe.recv():
            url, number = order
            began, cpu = time.monotonic(), stage.cpu_s(worker.pid)
            stored = offer(sets[url], number)
            pipe.send((stage.cpu_s(worker.pid) - cpu, time.monotonic() - began, stored))


def offer(schedules: list[int], count: int) -> int:
    """Claim `count` runs as the tick does and send them as fast as they are recorded; return how many were."""
    from celery import current_app
    from django.db.models import Q

    from apps.monitors.engine.claim import claim
    from apps.monitors.engine.dispatch import TASK
    from apps.monitors.models import Run, Schedule
    from bench.rows import make_due

    before = Run.objects.count()
    left, ours = count, Schedule.objects.filter(pk__gte=schedules[0], pk__lte=schedules[-1])
    free = ours.filter(slot_at__isnull=True)
    while left:
        waiting = Schedule.objects.filter(~Q(slot_at=None)).count()
        if waiting > AHEAD:
            time.sleep(0.01)
            continue
        chosen = list(
            free.order_by("last_due_at", "pk").values_list("pk", flat=True)[
                : min(left, PER_MESSAGE)
            ]
        )
        make_due(chosen)
        claims = [[one.schedule_id, one.claim_no] for one in claim(len(chosen))]
        # Before the worker may adopt them: two updates of the same rows would lock them in two orders.
        Schedule.objects.filter(pk__in=chosen).update(next_run_at=None)
        current_app.send_task(TASK, args=[claims], queue="checks.default", retry=False)
        left -= len(claims)
    stage.wait_until(
        lambda: not Schedule.objects.filter(~Q(slot_at=None)).exists(), within_s=60, every_s=0.02
    )
    return Run.objects.count() - before


def throughput(rounds: int, checks: dict[str, int]) -> None:
    """Measure and print the cost of a check at saturation."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        ca_file = str(stage.certificate(folder / "tls"))
        (folder / "site").mkdir()
        (folder / "site" / "index.html").write_text("Welcome")
        _, plain, tls = stack.enter_context(stage.nginx(folder / "site"))
        urls = {"plain": f"http://127.0.0.1:{plain}/", "TLS": f"https://127.0.0.1:{tls}/"}
        bares = {
            name: stack.enter_context(child(bare_child, url, ca_file)) for name, url in urls.items()
        }
        for kind, broker in (("postgresql", "Redis"), ("sqlite", "files")):
            with child(engine_child, kind, list(urls.values()), ca_file, MONITORS) as engine:
                engine.recv()
                rows = []
                for name, url in urls.items():
                    figures = [
                        one_round(bares[name], engine, url, checks[name]) for _ in range(rounds)
                    ]
                    floors, costs, rates = zip(*figures, strict=True)
                    ratios = [cost / floor for cost, floor in zip(costs, floors, strict=True)]
                    rows.append([
                        name, stage.spread(floors), stage.spread(costs), stage.spread(ratios, 2),
                        stage.spread(rates), str(checks[name]),
                    ])  # fmt: skip
                print(f"Claimed to stored, {kind} and {broker}, {rounds} rounds")
                stage.table(
                    ["target", "bare loop µs", "whole worker µs", "ratio", "stored/s", "a round"],
                    rows,
                )


def one_round(bare: Connection, engine: Connection, url: str, count: int) -> tuple[float, ...]:
    """Return (floor µs a fetch, CPU µs a stored run, runs stored a second)."""
    bare.send(count)
    floor = bare.recv() / count * 1e6
    engine.send((url, count))
    cpu, wall, stored = engine.recv()
    if stored != count:
        raise SystemExit(f"{stored} runs were stored, not {count}")
    return floor, cpu / stored * 1e6, stored / wall


def scene_child(scene: Scene, pipe: Connection) -> None:
    """Send the row of a scene."""
    pipe.send(interval.measure(scene))


def evenness(scenes: list[Scene]) -> None:
    """Measure and print how even the checks are."""
    rows = []
    for scene in scenes:
        with child(scene_child, scene) as pipe:
            rows.append(pipe.recv())
    print("Intervals, and the worker's CPU with all that it does beside (ticks, renewals, sweeps)")
    print(
        "Wanted at 1,000: an interval error of 1 ms (p50) and 15 ms (p99), hanging targets or not."
    )
    stage.table(interval.HEAD, rows)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=40, help="of each row of intervals")
    parser.add_argument("--no-intervals", action="store_true")
    options = parser.parse_args()
    stage.begin("checks: CPU from claimed to stored")
    throughput(options.rounds, {"plain": 4000, "TLS": 1200})
    if not options.no_intervals:
        evenness([
            Scene(1000, seconds=options.seconds),
            Scene(1000, seconds=options.seconds, hanging=5),
            Scene(5000, seconds=options.seconds, servers=True),
            Scene(5000, seconds=options.seconds, servers=True, hanging=5),
        ])  # fmt: skip


if __name__ == "__main__":
    main()
