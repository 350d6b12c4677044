"""Start processes, start again what dies, stop them all: the loop of `up`."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 5.0
STEADY_S = 30.0
KILL_AFTER_S = 8.0

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class Child:
    """One process that is to run for ever, the leader of a session and process group of its own.

    Its standard input is a pipe whose other end only the parent holds: when the parent is killed,
    the pipe closes and the child ends itself (`child.py`). `goes_last`: told to stop once the others have ended.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        life_pipe: int,
        say: Say,
        goes_last: bool = False,
    ) -> None:
        self.name = name
        self.goes_last = goes_last
        self._command = list(command)
        self._life_pipe = life_pipe
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._delay_s = FIRST_DELAY_S
        self.due_at = 0.0

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            self._command, stdin=self._life_pipe, start_new_session=True
        )

    def reap(self) -> int | None:
        """Return the exit code once the process has ended, and plan its next start.

        What it left in its group is killed before: two of a kind must not run side by side.
        """
        process = self._process
        if process is None or not _has_ended(process.pid):
            return None
        self.kill()
        code = process.wait()
        self._process = None
        now = time.monotonic()
        if now - self._started_at >= STEADY_S:
            self._delay_s = FIRST_DELAY_S
        self.due_at = now + self._delay_s
        self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)
        return code

    def terminate(self) -> None:
        """Ask the leader, and only it, to stop: it knows how to stop what it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole group."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def restart_delay_s(self, now: float) -> float:
        return max(0.0, self.due_at - now)


def _has_ended(pid: int) -> bool:
    # Without collecting it: until then its group's number cannot belong to anyone else.
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


class Supervisor:
    """The parent's loop. `run_once` is a step that must succeed, `run` watches children for ever."""

    def __init__(self, *, say: Say) -> None:
        self._say = say
        self._stop_signals = 0
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(wake_write, False)
        # Signals wake the loop by a byte in a pipe, so that none is lost between check and wait.
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_stop_signal)
        # Held open by this process alone (see Child).
        self.life_pipe, self._life_end = os.pipe()

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    @property
    def is_stopping(self) -> bool:
        return self._stop_signals > 0

    def _sleep(self, seconds: float) -> None:
        """Sleep until a signal arrives, and no longer than this."""
        select.select([self._wake_read], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            while os.read(self._wake_read, 512):
                pass

    def run_once(self, command: Sequence[str], *, pass_fd: int) -> int | None:
        """Run a step to its end and return its exit code; None when told to stop meanwhile."""
        step = subprocess.Popen(
            command, stdin=self.life_pipe, start_new_session=True, pass_fds=[pass_fd]
        )
        deadline = float("inf")
        while not _has_ended(step.pid):
            if self.is_stopping and deadline == float("inf"):
                step.terminate()
                deadline = time.monotonic() + KILL_AFTER_S
            if time.monotonic() >= deadline or self._stop_signals > 1:
                with suppress(ProcessLookupError):
                    os.killpg(step.pid, signal.SIGKILL)
            self._sleep(1.0)
        code = step.wait()
        return None if self.is_stopping else code

    def run(self, children: Sequence[Child], *, each_turn: Callable[[], bool]) -> None:
        """Keep the children running until told to stop, then stop them all.

        `each_turn` is called a few times a second as long as it returns true.
        """
        for child in children:
            child.start()
        wants_turns = True
        while not self.is_stopping:
            wants_turns = wants_turns and each_turn()
            now = time.monotonic()
            wait_s = 0.1 if wants_turns else 60.0
            for child in children:
                code = child.reap()
                if code is not None:
                    delay_s = child.restart_delay_s(time.monotonic())
                    self._say(f"{child.name} ended ({_told(code)}); again in {delay_s:.1f} s")
                if not child.is_running:
                    delay_s = child.restart_delay_s(now)
                    if delay_s <= 0:
                        child.start()
                    else:
                        wait_s = min(wait_s, delay_s)
            self._sleep(wait_s)
        self._stop(children)

    def _stop(self, children: Sequence[Child]) -> None:
        self._say("Stopping")
        for child in children:
            if not child.goes_last:
                child.terminate()
        deadline = time.monotonic() + KILL_AFTER_S
        while any(child.is_running for child in children):
            # A second Ctrl-C does not wait.
            if time.monotonic() >= deadline or self._stop_signals > 1:
                for child in children:
                    child.kill()
            for child in children:
                child.reap()
            if not any(child.is_running for child in children if not child.goes_last):
                for child in children:
                    child.terminate()
            if any(child.is_running for child in children):
                self._sleep(0.1)
        self._say("Stopped")


def _told(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
