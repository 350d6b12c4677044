"""A parent with toy children, run as a process by test_supervisor.py.

Arguments: a folder for the children's notes, then one word per child: `steady` (runs until told to
stop), `stubborn` (cannot be told), `brief` (ends at once), `family` (starts a process of its own), `slow`
(takes a second to stop), `last` (goes last).
"""

from __future__ import annotations

import sys
from pathlib import Path

from statusplatform.supervisor.processes import Child, Supervisor

NOTE = (
    "import os, sys, time, signal, subprocess\nopen(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
)
WATCH = "from statusplatform.supervisor.child import end_with_parent\nend_with_parent()\n"
KINDS = {
    "steady": NOTE + WATCH + "time.sleep(600)",
    "stubborn": NOTE + WATCH + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)",
    "slow": NOTE
    + WATCH
    + "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit()))\ntime.sleep(600)",
    "last": NOTE + WATCH + "time.sleep(600)",
    "brief": NOTE + "sys.exit(3)",
    "family": NOTE
    + WATCH
    + "p = subprocess.Popen(['sleep', '600'])\n"
    + "open(sys.argv[1], 'a').write(f'{p.pid}\\n')\ntime.sleep(600)",
}


def main(folder: Path, kinds: list[str]) -> None:
    supervisor = Supervisor(say=lambda text: print(text, flush=True))
    children = [
        Child(
            kind,
            [sys.executable, "-c", KINDS[kind], str(folder / kind)],
            life_pipe=supervisor.life_pipe,
            say=print,
            goes_last=kind == "last",
        )
        for kind in kinds
    ]
    supervisor.run(children, each_turn=lambda: False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
