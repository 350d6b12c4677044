"""How much memory everything that `up` starts takes when idle: `python3 bench/memory.py`.

Starts `manage.py up` with the demo on a new data folder and the embedded back ends, opens the status
page and the admin's log-in once, waits, and prints the resident memory of each process (MB):

    RSS   what the target is about (at most 300 in sum); pages that processes share count in each
    PSS   the same with shared pages divided among their users: what it really takes
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MB = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """Return the process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += tree(int(child))
    return found


def memory_mb(pid: int) -> tuple[float, float]:
    """Return (RSS, PSS)."""
    values = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        values[name] = int(rest.split()[0]) / 1024
    return values["Rss"], values["Pss"]


def name_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    if "statusplatform.supervisor.child" in words:
        return words[words.index("statusplatform.supervisor.child") + 1]
    return "parent"


def ask(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def measure(settle_s: float) -> dict[str, tuple[float, float]]:
    """Return {process: (RSS, PSS)} in MB."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        names = {"DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "PUBLIC_URL", "DATA_DIR"}
        environment = {name: value for name, value in os.environ.items() if name not in names}
        command = [sys.executable, "manage.py", "up", "--port", str(port), "--data-dir", folder]
        with open(Path(folder) / "log", "wb") as log:
            up = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 120
            while ask(f"http://127.0.0.1:{port}/readyz") != 200:
                if up.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit((Path(folder) / "log").read_text())
                time.sleep(0.5)
            for path in ("/status/demo/", "/admin/login/"):
                ask(f"http://127.0.0.1:{port}{path}")
            time.sleep(settle_s)
            return {name_of(pid): memory_mb(pid) for pid in tree(up.pid)}
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(15)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settle", type=float, default=20, help="seconds to wait (%(default)s)")
    sizes = measure(parser.parse_args().settle)
    print(f"{'process':<10}{'RSS':>8}{'PSS':>8}")
    whole = (sum(rss for rss, _ in sizes.values()), sum(pss for _, pss in sizes.values()))
    for name, (rss, pss) in [*sizes.items(), ("sum", whole)]:
        print(f"{name:<10}{rss:>8.1f}{pss:>8.1f}")
    return 0 if whole[0] <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
