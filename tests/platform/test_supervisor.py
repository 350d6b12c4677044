"""The parent of `up`: what dies comes back, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from statusplatform.supervisor.command import address_of, free_port
from statusplatform.supervisor.datadir import DataDir, Demo, UpError
from statusplatform.supervisor.processes import KILL_AFTER_S

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_for(what: Callable[[], object], *, within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Toy:
    """A running parent and the notes that its children write: a line for each process."""

    def __init__(self, folder: Path, kinds: list[str]) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.platform.toy_up", str(folder), *kinds],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def pids(self, kind: str) -> list[int]:
        with suppress(FileNotFoundError):
            return [int(line) for line in (self.folder / kind).read_text().splitlines()]
        return []

    def wait_for_starts(self, kind: str, count: int) -> list[int]:
        wait_for(lambda: len(self.pids(kind)) >= count)
        return self.pids(kind)

    def stop(self) -> float:
        """Send SIGTERM and return how many seconds it took to end."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(20)
        return time.monotonic() - started


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Callable[..., Toy]]:
    made: list[Toy] = []

    def make(*kinds: str) -> Toy:
        made.append(Toy(tmp_path, list(kinds)))
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait()
        for note in tmp_path.iterdir():
            for line in note.read_text().splitlines():
                with suppress(ProcessLookupError):
                    os.kill(int(line), signal.SIGKILL)


def test_a_killed_child_is_started_again(toy: Callable[..., Toy]) -> None:
    parent = toy("steady")
    (first,) = parent.wait_for_starts("steady", 1)

    os.kill(first, signal.SIGKILL)

    second = parent.wait_for_starts("steady", 2)[1]
    assert is_running(second)
    parent.stop()
    assert parent.process.stdout is not None
    assert "steady ended (SIGKILL); again in 0.5 s" in parent.process.stdout.read()


def test_a_child_that_keeps_dying_waits_longer_each_time(toy: Callable[..., Toy]) -> None:
    parent = toy("brief")
    started = time.monotonic()

    parent.wait_for_starts("brief", 3)

    assert time.monotonic() - started > 0.5 + 1.0
    parent.stop()


def test_what_a_dead_child_leaves_behind_is_killed(toy: Callable[..., Toy]) -> None:
    parent = toy("family")
    leader, member = parent.wait_for_starts("family", 2)

    os.kill(leader, signal.SIGKILL)

    wait_for(lambda: not is_running(member))
    parent.stop()


def test_stopping_ends_everything_quickly(toy: Callable[..., Toy]) -> None:
    parent = toy("steady", "family")
    pids = [*parent.wait_for_starts("steady", 1), *parent.wait_for_starts("family", 2)]

    took_s = parent.stop()

    assert parent.process.returncode == 0
    assert took_s < 3
    assert not any(is_running(pid) for pid in pids)


@pytest.mark.e2e
def test_a_child_that_does_not_listen_is_killed_within_ten_seconds(toy: Callable[..., Toy]) -> None:
    parent = toy("stubborn", "steady")
    (pid,) = parent.wait_for_starts("stubborn", 1)
    parent.wait_for_starts("steady", 1)
    time.sleep(0.3)  # until it ignores the signal

    took_s = parent.stop()

    assert KILL_AFTER_S <= took_s < 10
    assert not is_running(pid)


def test_what_goes_last_is_there_until_the_others_have_ended(toy: Callable[..., Toy]) -> None:
    parent = toy("last", "slow")
    (last,) = parent.wait_for_starts("last", 1)
    (slow,) = parent.wait_for_starts("slow", 1)
    time.sleep(0.3)  # until it handles the signal

    parent.process.terminate()
    time.sleep(0.5)

    assert is_running(slow)
    assert is_running(last)
    parent.process.wait(5)
    assert not is_running(last)


def test_a_second_interrupt_does_not_wait(toy: Callable[..., Toy]) -> None:
    parent = toy("stubborn")
    (pid,) = parent.wait_for_starts("stubborn", 1)
    time.sleep(0.3)  # until it ignores the signal

    parent.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    parent.process.send_signal(signal.SIGINT)
    parent.process.wait(3)

    assert not is_running(pid)


def test_children_end_with_a_parent_that_is_killed(toy: Callable[..., Toy]) -> None:
    parent = toy("steady", "stubborn")
    pids = [*parent.wait_for_starts("steady", 1), *parent.wait_for_starts("stubborn", 1)]

    parent.process.kill()

    wait_for(lambda: not any(is_running(pid) for pid in pids))


def test_a_data_folder_is_for_one(tmp_path: Path) -> None:
    held = DataDir(tmp_path)

    with pytest.raises(UpError, match=f"already running on {tmp_path} \\(process {os.getpid()}\\)"):
        DataDir(tmp_path)

    assert held.path == tmp_path


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UpError, match="cannot write the data folder"):
        DataDir(tmp_path / "file" / "data")


def test_the_demo_is_remembered_for_its_owner_only(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    demo = Demo(port=8001, password="open sesame")
    assert data_dir.demo() is None

    data_dir.record_demo(demo)

    assert data_dir.demo() == demo
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600


def test_the_broker_starts_empty(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    (tmp_path / "broker" / "default").mkdir(parents=True)
    (tmp_path / "broker" / "default" / "1.msg").touch()

    data_dir.empty_broker()

    assert not (tmp_path / "broker").exists()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("::1", "http://localhost:8000"),
        ("192.0.2.7", "http://192.0.2.7:8000"),
        ("2001:db8::7", "http://[2001:db8::7]:8000"),
        ("status.example", "http://status.example:8000"),
    ],
)
def test_the_address_is_what_people_type(host: str, address: str) -> None:
    assert address_of(host, 8000) == address


def test_a_taken_port_is_told_or_replaced() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        replaced = free_port("127.0.0.1", port)
        with pytest.raises(UpError, match=r"cannot listen at 127\.0\.0\.1:\d+ .*: use --port"):
            free_port("127.0.0.1", port, "use --port")

    assert replaced != port
