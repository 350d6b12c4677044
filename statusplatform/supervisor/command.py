"""The command `up`: prepare the data folder and the database, then run everything."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from statusplatform.supervisor.datadir import DataDir, Demo, UpError
from statusplatform.supervisor.processes import Child, Supervisor

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DEFAULT_PORT = 8000
LOOPBACK = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `up`."""
    parser.add_argument("--host", default=LOOPBACK, help="address to listen at (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen at (%(default)s; 0: any)"
    )
    parser.add_argument(
        "--data-dir", help="folder for all that is kept (DATA_DIR, else ./data beside manage.py)"
    )
    parser.add_argument("--no-demo", action="store_true", help="neither load nor start the demo")


def run_up(arguments: list[str]) -> int:
    """Run `up` with these arguments and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="manage.py up",
        description="Start web, worker and beat (and a demo service at the first start).",
    )
    add_arguments(parser)
    try:
        return _run(parser.parse_args(arguments))
    except UpError as error:
        print(f"manage.py up: {error}", file=sys.stderr)
        return 1


def say(text: str) -> None:
    """Print for the person at the terminal, who may have closed it."""
    with suppress(OSError):
        print(text, flush=True)


def _run(options: argparse.Namespace) -> int:
    folder = Path(options.data_dir or os.environ.get("DATA_DIR") or BASE_DIR / "data")
    folder = folder.expanduser().resolve()
    data_dir = DataDir(folder)
    port = free_port(options.host, options.port, "choose another with --port")
    address = address_of(options.host, port)
    data_dir.record_address(address)
    address = os.environ.get("PUBLIC_URL", "").rstrip("/") or address
    data_dir.empty_broker()
    environment = {
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "statusplatform.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(BASE_DIR), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        # glibc gives each thread an arena of its own, which costs memory and brings nothing here.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }
    os.environ.update(environment)

    say("Preparing the database and the static files")
    supervisor = Supervisor(say=say)
    known = data_dir.demo()
    demo = None if options.no_demo else _reachable_demo(known, port)
    report = _prepare(supervisor, demo, known)
    if report is None:
        return 0 if supervisor.is_stopping else 1
    if demo is not None and report["demo"]:
        data_dir.record_demo(demo)
    else:
        demo = None

    children = _children(supervisor, data_dir, options.host, port, demo)
    supervisor.run(children, each_turn=_Greeting(options.host, port, address, demo, report))
    return 0


def _reachable_demo(known: Demo | None, web_port: int) -> Demo:
    """Return the demo as it was, on another port only if its own is taken by now."""
    if known is None:
        return Demo(port=free_port(LOOPBACK, web_port + 1), password=os.urandom(9).hex())
    return Demo(port=free_port(LOOPBACK, known.port), password=known.password)


def _prepare(
    supervisor: Supervisor, demo: Demo | None, known: Demo | None
) -> dict[str, Any] | None:
    """Run the command `prepare` and return its report; None when it failed or was stopped."""
    command = [sys.executable, str(BASE_DIR / "manage.py"), "prepare"]
    if demo is not None:
        command += ["--demo-url", demo.url]
        os.environ["DEMO_PASSWORD"] = demo.password
    if known is not None:
        command += ["--demo-known", known.url]
    # The report is short: it fits into the pipe, and is read when the command has ended.
    read_end, write_end = os.pipe()
    command += ["--report-fd", str(write_end)]
    code = supervisor.run_once(command, pass_fd=write_end)
    os.close(write_end)
    with open(read_end, encoding="utf-8") as report:
        return dict(json.load(report)) if code == 0 else None


def _children(
    supervisor: Supervisor, data_dir: DataDir, host: str, port: int, demo: Demo | None
) -> list[Child]:
    def child(name: str, *arguments: str, goes_last: bool = False) -> Child:
        command = [sys.executable, "-m", "statusplatform.supervisor.child", name, *arguments]
        life_pipe = supervisor.life_pipe
        return Child(name, command, life_pipe=life_pipe, say=say, goes_last=goes_last)

    children = [
        child("web", host, str(port)),
        child("worker"),
        child("beat", str(data_dir.beat_pidfile)),
    ]
    if demo is not None:
        # It is there before the worker asks it, and until the worker has ended: a restart is no outage of the demo.
        children.insert(0, child("demo", str(demo.port), goes_last=True))
    return children


class _Greeting:
    """Tells where everything is, once the web process answers."""

    def __init__(
        self, host: str, port: int, address: str, demo: Demo | None, report: dict[str, Any]
    ) -> None:
        self._target = ("127.0.0.1" if host in {"0.0.0.0", "::", ""} else host, port)  # noqa: S104  # compared only
        lines = ["", f"  Admin         {address}/admin/"]
        if report["password"]:
            lines.append(f"                log in as admin, password {report['password']}")
            lines.append("                (shown only now; change it there)")
        else:
            lines.append("                password lost? python3 manage.py changepassword admin")
        if demo is not None:
            lines.append(f"  Status page   {address}/status/demo/")
            lines.append(f"  Demo service  {demo.url}/  break it, and watch the status page")
        self._text = "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])

    def __call__(self) -> bool:
        """Return false once it is told."""
        try:
            socket.create_connection(self._target, timeout=0.2).close()
        except OSError:
            return True
        say(self._text)
        return False


def address_of(host: str, port: int) -> str:
    """Return the address that people type for this listening address."""
    if host in {LOOPBACK, "0.0.0.0", "::", "::1", ""}:  # noqa: S104  # compared only
        host = "localhost"
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}"


def free_port(host: str, port: int, advice: str | None = None) -> int:
    """Return `port` if nothing listens there, else another free one, or UpError with the advice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (port, 0):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, candidate))
                return int(probe.getsockname()[1])
        except (OSError, OverflowError) as error:
            if advice is not None:
                raise UpError(f"cannot listen at {host}:{port} ({error}): {advice}") from error
    raise UpError(f"cannot listen at {host}: no free port")
