"""Run a program that dies by SIGKILL at a named point: the product has no hooks for it.

    python -m tests.e2e.killer apps.pages.services.statuses:apply_contributions:return celery -A statusplatform worker …

The point is `module:qualified name:call|return`. A profile function of the interpreter watches for it in
every thread, so the process dies between two lines of the product's own code, whatever thread runs them.
"""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import sys
import threading
from types import FrameType
from typing import Any


def watch(point: str) -> None:
    """Kill this process when the point is reached."""
    module, name, event = point.split(":")

    def profile(frame: FrameType, happened: str, _: Any) -> None:
        if (
            happened == event
            and frame.f_code.co_qualname == name
            and frame.f_globals.get("__name__") == module
        ):
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(profile)
    sys.setprofile(profile)


def main() -> None:
    """Watch for the point and run the program in this interpreter."""
    point, program, *arguments = sys.argv[1:]
    path = shutil.which(program, path=os.path.dirname(sys.executable)) or program
    sys.argv = [path, *arguments]
    watch(point)
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main()
