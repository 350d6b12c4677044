"""Measure how even the engine's checks are: interval error at the target, and CPU a check.

    python -m bench.interval [--monitors 1000] [--interval 20] [--seconds 70] [--database-url …] [--broker-url …]

A real worker and beat check a small server on loopback, in a data folder of their own (SQLite and the file
broker by default; a database given here is written to, so use an empty one). The interval error is what two
successive arrivals of a monitor's request at the server lie apart, less the interval.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nWelcome"


class Target(asyncio.Protocol):
    """Notes when each connection came, under the path that was asked for."""

    arrivals: dict[bytes, list[float]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.moment = time.monotonic()

    def data_received(self, data: bytes) -> None:
        self.arrivals.setdefault(data.split(b" ", 2)[1], []).append(self.moment)
        self.transport.write(ANSWER)  # type: ignore[attr-defined]
        self.transport.close()


def serve(pipe: Connection) -> None:
    """Run the target until told to stop; then send what it noted."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Target, "127.0.0.1", 0, backlog=4096)
        pipe.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, pipe.recv)
        server.close()

    asyncio.run(main())
    pipe.send(Target.arrivals)


def make_monitors(count: int, interval_s: int, port: int) -> None:
    """Make the monitors' rows, phases spread as the services do it."""
    import django

    django.setup()
    from apps.accounts.models import Workspace
    from apps.core.clock import database_now
    from apps.monitors.models import Location, Monitor, MonitorRequest, MonitorState, Schedule
    from apps.monitors.slots import first_slot

    workspace = Workspace.objects.create(name="Bench")
    location = Location.objects.get(code="default")
    monitors = Monitor.objects.bulk_create(
        Monitor(workspace=workspace, name=f"Monitor {number}", interval_s=interval_s)
        for number in range(count)
    )
    MonitorState.objects.bulk_create(MonitorState(monitor=monitor) for monitor in monitors)
    MonitorRequest.objects.bulk_create(
        MonitorRequest(monitor=monitor, name="Home", url=f"http://127.0.0.1:{port}/{monitor.pk}")
        for monitor in monitors
    )
    now = database_now()
    Schedule.objects.bulk_create(
        Schedule(
            monitor=monitor,
            location=location,
            interval_s=interval_s,
            next_run_at=first_slot(
                key=f"{monitor.public_id}:{location.public_id}", interval_s=interval_s, now=now
            ),
        )
        for monitor in monitors
    )


def wait_until_all_ran(count: int) -> None:
    """Wait until each schedule has a recorded run: starting takes longest on a busy machine."""
    from apps.monitors.models import Schedule

    while Schedule.objects.filter(last_due_at__isnull=False).count() < count:
        time.sleep(1)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Return a process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=70)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--broker-url", default="")
    given = parser.parse_args()

    here, there = multiprocessing.Pipe()
    target = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    target.start()
    port = here.recv()

    data_dir = tempfile.mkdtemp(prefix="bench-")
    os.environ |= {"DATA_DIR": data_dir, "DJANGO_SETTINGS_MODULE": "statusplatform.settings"}
    if given.database_url:
        os.environ["DATABASE_URL"] = given.database_url
    if given.broker_url:
        os.environ["CELERY_BROKER_URL"] = given.broker_url
    python = [sys.executable]
    subprocess.run([*python, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
    make_monitors(given.monitors, given.interval, port)
    celery = [*python, "-m", "celery", "-A", "statusplatform"]
    worker = subprocess.Popen(
        [*celery, "worker", "-Q", "default,checks.default", "-l", "WARNING"], cwd=ROOT
    )
    beat = subprocess.Popen(
        [*celery, "beat", "--pidfile=", "-l", "WARNING", "-s", f"{data_dir}/beat"], cwd=ROOT
    )
    try:
        wait_until_all_ran(given.monitors)
        time.sleep(given.interval)
        since, cpu_before, beat_before = time.monotonic(), cpu_s(worker.pid), cpu_s(beat.pid)
        time.sleep(given.seconds)
        cpu, beat_cpu = cpu_s(worker.pid) - cpu_before, cpu_s(beat.pid) - beat_before
        memory = rss_mb(worker.pid)
        until = time.monotonic()
    finally:
        for process in (worker, beat):
            process.send_signal(signal.SIGTERM)
        for process in (worker, beat):
            process.wait(20)
    here.send("stop")
    report(here.recv(), given.interval, since, until, cpu, beat_cpu, memory)


def report(
    arrivals: dict[bytes, list[float]],
    interval_s: int,
    since: float,
    until: float,
    cpu: float,
    beat_cpu: float,
    memory: float,
) -> None:
    """Print the figures."""
    errors = []
    checks = 0
    for moments in arrivals.values():
        seen = [moment for moment in moments if since <= moment <= until]
        checks += len(seen)
        errors.extend(abs(later - earlier - interval_s) * 1000 for earlier, later in pairwise(seen))
    errors.sort()

    def percentile(share: float) -> float:
        return errors[min(len(errors) - 1, int(len(errors) * share))] if errors else float("nan")

    print(f"monitors seen {len(arrivals)}, checks {checks}, intervals {len(errors)}")
    print(
        f"interval error ms: p50 {percentile(0.5):.2f} p90 {percentile(0.9):.2f}"
        f" p99 {percentile(0.99):.2f} max {percentile(1):.2f}"
    )
    per_check = cpu / max(1, checks) * 1000
    print(f"worker CPU a check {per_check:.2f} ms (beat {beat_cpu:.1f} s), memory {memory:.0f} MB")


if __name__ == "__main__":
    main()
