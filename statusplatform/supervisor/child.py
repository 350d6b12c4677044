"""What `up` starts: `python -m statusplatform.supervisor.child web|worker|beat|demo ARGUMENTS`.

Each is what the usual command line would start (`granian`, `celery worker`, `celery beat`), without
the command line's own imports and, for the web, without a second process: that is a third less
memory. On other hosts the usual command lines serve (see docs/operations.md).
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from statusplatform.threads import WEB_THREADS

STDIN = 0
SETTLED_AFTER_S = 10
TRIM_EVERY_S = 60


def end_with_parent() -> None:
    """Kill this process when the parent is gone: only the parent holds the other end of stdin."""

    def watch() -> None:
        if not select.select([STDIN], [], [], SETTLED_AFTER_S)[0]:
            settle()
        while not select.select([STDIN], [], [], TRIM_EVERY_S)[0]:
            trim()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def settle() -> None:
    """Give back the memory that only starting needed.

    What is left stays, so the collector need not look at it again: that is the longest pause it makes.
    """
    gc.collect()
    gc.freeze()
    trim()


def trim() -> None:
    """Return to the system what the C library holds free: a twentieth of all, more after a peak."""
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def run_web(host: str, port: str) -> None:
    """Serve statusplatform.wsgi:application, in this one process."""
    serve = import_module("statusplatform.supervisor.web").serve
    serve(host, int(port), WEB_THREADS)


def run_worker() -> None:
    """Run a Celery worker for the queue `default` and the location `default`."""
    app = import_module("statusplatform.celery").app
    # Celery warns root of pickled code in messages; these are JSON. The containers' user is root.
    warnings.filterwarnings("ignore", category=import_module("celery.platforms").SecurityWarning)
    # The pool and its size come from the application's settings.
    worker = app.Worker(
        quiet=True,
        queues=["default", "checks.default"],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    sys.exit(worker.exitcode)


def run_beat(pidfile: str) -> None:
    """Run Celery beat with the entries kept in the database."""
    # `up` holds the folder's lock, so a file left by a killed beat is stale, even if its process
    # number belongs to somebody else by now.
    with suppress(FileNotFoundError):
        os.unlink(pidfile)
    # Beat sends messages by name and needs its own tables: none of the apps, a third of the memory.
    settings = import_module("django.conf").settings
    settings.INSTALLED_APPS = ["django_celery_beat"]
    app = import_module("statusplatform.celery").app
    app.Beat(pidfile=pidfile, quiet=True).run()


def run_demo(port: str) -> None:
    """Run the demo service on loopback."""
    serve = import_module("apps.configuration.demo.service").serve
    serve(int(port), os.environ["DEMO_PASSWORD"])


COMMANDS: dict[str, Callable[..., Any]] = {
    "web": run_web,
    "worker": run_worker,
    "beat": run_beat,
    "demo": run_demo,
}


def main(arguments: list[str]) -> None:
    """Run the command that the arguments name."""
    end_with_parent()
    COMMANDS[arguments[0]](*arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
