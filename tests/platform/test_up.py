"""`manage.py up` with real processes: the first start with the demo, deaths, the end, the next start."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bench.memory import LIMIT_MB, memory_mb, name_of, tree
from tests import services

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parent.parent.parent
FOREIGN = {"DATABASE_URL", "TEST_DATABASE_URL", "CELERY_BROKER_URL", "PUBLIC_URL", "ALLOWED_HOSTS"}
T = TypeVar("T")


def wait_for(what: Callable[[], T], *, within_s: float, hint: str) -> T:
    deadline = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {hint}"
        time.sleep(0.05)
    return value


class Up:
    """A running `up`; its output is kept in `log`."""

    def __init__(self, folder: Path, port: int, *arguments: str) -> None:
        self.folder = folder
        self.port = port
        self.log_path = folder.with_suffix(".log")
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        command += ["--data-dir", str(folder), *arguments]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def url(self, path: str = "") -> str:
        return f"http://localhost:{self.port}{path}"

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            assert self.process.poll() is None, f"up ended:\n{self.log}"
            return status(self.url("/readyz")) == 200 and "Ctrl-C" in self.log

        wait_for(is_ready, within_s=90, hint="ready")

    def children(self) -> dict[str, int]:
        """Return {name: process id} of what it started."""
        return {name_of(pid): pid for pid in tree(self.process.pid)[1:]}

    def stop(self) -> float:
        """Send SIGTERM; return how many seconds it took to end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - started


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


def ask(url: str, data: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def status(url: str) -> int | None:
    try:
        return ask(url)[0]
    except OSError:
        return None


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Up]:
    """A first start, with the demo."""
    made = Up(folder, services.free_port())
    made.wait_until_ready()
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"{pattern} not in:\n{text}"
    return match.group(1)


def summary(up: Up) -> Any:
    return json.loads(ask(up.url("/status/demo/api/v2/summary.json"))[1])


def component(up: Up, name: str) -> str:
    return str(next(c["status"] for c in summary(up)["components"] if c["name"] == name))


def test_it_tells_where_everything_is_and_how_to_log_in(up: Up) -> None:
    admin = found(r"Admin +(\S+)", up.log)
    password = found(r"log in as admin, password (\S+)", up.log)
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    )
    form = browser.open(admin, timeout=10).read().decode()
    token = found(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    fields = {"username": "admin", "password": password, "csrfmiddlewaretoken": token}
    login = urllib.parse.urljoin(admin, "/account/login/?next=/admin/")

    answer = browser.open(login, urllib.parse.urlencode(fields).encode(), 10)

    assert answer.geturl() == admin, "logged in"


def test_breaking_the_demo_is_seen_on_its_page_and_repairing_too(up: Up) -> None:
    page = found(r"Status page +(\S+)", up.log)
    demo = found(r"Demo service +(\S+)", up.log)
    wait_for(lambda: component(up, "Checkout") == "operational", within_s=20, hint="all is well")
    assert status(page) == 200

    ask(f"{demo}break", b"")
    wait_for(lambda: component(up, "Checkout") == "major_outage", within_s=15, hint="broken")
    incidents = [incident["name"] for incident in summary(up)["incidents"]]
    ask(f"{demo}repair", b"")
    wait_for(lambda: component(up, "Checkout") == "operational", within_s=15, hint="repaired")

    assert incidents == ["Orders cannot be placed"]
    assert summary(up)["incidents"] == []


def test_idle_it_keeps_within_its_memory(up: Up) -> None:
    sizes = {name_of(pid): memory_mb(pid)[0] for pid in tree(up.process.pid)}

    assert set(sizes) == {"parent", "web", "worker", "beat", "demo"}
    assert sum(sizes.values()) <= LIMIT_MB, sizes


@pytest.mark.parametrize("name", ["web", "worker", "beat", "demo"])
def test_a_killed_child_comes_back(up: Up, name: str) -> None:
    pid = up.children()[name]

    os.kill(pid, signal.SIGKILL)

    wait_for(lambda: up.children().get(name, pid) != pid, within_s=10, hint=f"{name} is back")
    wait_for(lambda: status(up.url("/readyz")) == 200, within_s=30, hint="ready again")


def test_a_second_one_on_the_same_folder_is_refused(up: Up, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", "0", "--data-dir", str(folder)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"already running on {folder} (process {up.process.pid})" in line


def test_commands_share_its_address(up: Up, folder: Path) -> None:
    code = "from django.conf import settings; print(settings.PUBLIC_URL)"

    printed = subprocess.check_output(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=ROOT,
        env=environment() | {"DATA_DIR": str(folder)},
        text=True,
        timeout=60,
    )

    assert printed.strip() == up.url()


def test_ending_leaves_nothing_and_the_next_start_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = Up(folder, services.free_port())
    first.wait_until_ready()
    pids = tree(first.process.pid)

    took_s = first.stop()
    second = Up(folder, first.port)
    second.wait_until_ready()

    assert first.process.returncode == 0
    assert took_s < 10
    assert not any(is_running(pid) for pid in pids)
    assert "Traceback" not in first.log
    assert "log in as" not in second.log, "no second log-in"
    assert "changepassword admin" in second.log
    demo = r"Demo service +(\S+)"
    assert found(demo, second.log) == found(demo, first.log)
    wait_for(lambda: component(second, "Checkout") == "operational", within_s=20, hint="checked")

    # Killed, it takes everything along, so that another start is not refused.
    pids = tree(second.process.pid)
    second.process.kill()
    second.process.wait()
    wait_for(lambda: not any(map(is_running, pids)), within_s=5, hint="all gone")
    third = Up(folder, first.port, "--no-demo")
    third.wait_until_ready()
    assert set(third.children()) == {"web", "worker", "beat"}
    third.stop()
