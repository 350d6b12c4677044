"""What the benches share: throwaway servers, a prepared installation, CPU clocks, and small tables."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from tests import services

WORKER = ("worker", "-Q", "default,checks.default", "-l", "WARNING")
BEAT = ("beat", "--pidfile=", "-l", "WARNING", "-s", os.devnull)
ROOT = Path(__file__).resolve().parent.parent
_OURS = {
    "DATABASE_URL",
    "TEST_DATABASE_URL",
    "CELERY_BROKER_URL",
    "CACHE_URL",
    "PUBLIC_URL",
    "DATA_DIR",
    "PUBLISHED_DIR",
    "EGRESS_CA_FILE",
    "ALLOWED_HOSTS",
}


@contextlib.contextmanager
def prepared(
    *, database: str = "sqlite", redis: bool = False, **environment: str
) -> Iterator[dict[str, str]]:
    """Give the environment of a migrated installation on `sqlite` or `postgresql`; everything goes at the end.

    This process's own environment is set to it too, so that it may use Django afterwards. Once in a process.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        given = {name: value for name, value in os.environ.items() if name not in _OURS}
        given |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "statusplatform.settings"}
        if database == "postgresql":
            given["DATABASE_URL"] = stack.enter_context(services.postgres())
        if redis:
            given["CELERY_BROKER_URL"] = stack.enter_context(services.redis())
        given |= environment
        for name in _OURS:
            os.environ.pop(name, None)
        os.environ.update(given)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=given, check=True
        )
        yield given


@contextlib.contextmanager
def running(
    *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the repository; stop it at the end. What it says is shown when it did not end well."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            yield process
        except BaseException:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace")[-4000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def nginx(root: Path, http: str = "") -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """Serve a folder with nginx, one worker process: give the process and its ports for plain HTTP and for TLS.

    The certificate is `root/../tls/leaf.pem` where `certificate` made one. `http` are lines for its http block.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise services.Missing("nginx (Debian: nginx-light)")
    plain, tls = services.free_port(), services.free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        keys = root.parent / "tls"
        secure = (
            f"listen 127.0.0.1:{tls} ssl backlog=4096; ssl_certificate {keys}/leaf.pem;"
            f" ssl_certificate_key {keys}/leaf.key; ssl_session_cache off; ssl_session_tickets off;"
            if keys.exists()
            else ""
        )
        user = "user root;" if os.geteuid() == 0 else ""
        config = Path(folder) / "nginx.conf"
        config.write_text(
            f"{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;"
            " events { worker_connections 8192; }"
            f" http {{ access_log off; keepalive_requests 100000000; {http}"
            " types { text/html html; application/json json; }"
            + "".join(
                f" {name}_temp_path {folder}/{name};"
                for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + f" server {{ listen 127.0.0.1:{plain} backlog=4096; {secure} root {root}; try_files $uri /index.html; }} }}"
        )
        with running(program, "-c", str(config), "-p", folder) as process:
            _wait_for_port(plain)
            yield process, plain, tls


def certificate(folder: Path) -> Path:
    """Make a private authority and a P-256 certificate for 127.0.0.1 in `folder`; return a bundle that trusts it.

    The bundle is the system's with ours added, so that its size is the usual one.
    """
    folder.mkdir(parents=True)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "leaf"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    openssl(
        "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Bench", "-days", "2", "-out", "ca.pem",
    )  # fmt: skip
    openssl("req", "-new", "-key", "leaf.key", "-subj", "/CN=127.0.0.1", "-out", "leaf.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    openssl(
        "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "names", "-out", "leaf.pem",
    )  # fmt: skip
    bundle = folder / "bundle.pem"
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    known = system.read_text() if system.exists() else ""
    bundle.write_text(known + (folder / "ca.pem").read_text())
    return bundle


def _wait_for_port(port: int) -> None:
    import socket

    wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), within_s=10)


def wait_until(what: Callable[[], Any], *, within_s: float, every_s: float = 0.05) -> None:
    """Wait until `what` is true. SystemExit when it is not within the time."""
    until = time.monotonic() + within_s
    while not what():
        if time.monotonic() > until:
            raise SystemExit(f"not within {within_s:g} s: {what}")
        time.sleep(every_s)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, user and system, its children left out (Linux).

    To the nanosecond: its CPU clock, whose number is made of the process id (clock_getcpuclockid(3)).
    """
    return time.clock_gettime((~pid << 3) | 2)


def rss_mb(pid: int) -> float:
    """Return a process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@contextlib.contextmanager
def child(target: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Run a function in a fresh process with the other end of a pipe, its last argument; tell it to end by None."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(*arguments, there))
    process.start()
    there.close()
    try:
        yield here
    finally:
        with contextlib.suppress(OSError):
            here.send(None)
        process.join(30)


def analyze(connection: Any) -> None:
    """Have the database look at how much there is, as it does by itself after a while."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def size_of(connection: Any, table: str) -> int:
    """Return the bytes of a table with its indexes and partitions (on SQLite, of the whole file)."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s)", [table]
            )
        else:
            cursor.execute(
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            )
        return int(cursor.fetchone()[0])


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return "median (least-most)"."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print(flush=True)


def begin(title: str) -> None:
    """Print what is measured and on what."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    print(f"== {title}")
    print(f"{os.cpu_count()} CPUs ({cpu}), {memory_gb:.0f} GiB, load {load:.1f} at the start")
    print(f"{', '.join(_versions())}\n", flush=True)


def _versions() -> list[str]:
    import pycurl

    found = [f"Python {platform.python_version()}"]
    found += [f"{name} {version(name)}" for name in ("Django", "celery", "psycopg", "granian")]
    found += pycurl.version.split()[:3]
    found.append(f"SQLite {sqlite3.sqlite_version}")
    for program, *arguments in (
        [str(services.postgres_bin() / "postgres"), "--version"],
        [services.redis_program(), "--version"],
        ["/usr/sbin/nginx", "-v"],
    ):
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [program, *arguments], capture_output=True, text=True, check=False
            )
            words = (done.stdout + done.stderr).split()
            number = next((word for word in words if any(c.isdigit() for c in word)), "?")
            found.append(f"{Path(program).name} {number.removeprefix('v=').removeprefix('nginx/')}")
    return found
