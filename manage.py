#!/usr/bin/env python3
"""Run a command in the project's own environment, which is made first where it is missing.

    python3 manage.py up            start everything
    python3 manage.py test [ARGS]   run all tests, or what ARGS tell pytest
    python3 manage.py COMMAND       any other command (`help` lists them)

Everything above `main` is standard library and parses on Python 3.8, so that an interpreter that
is too old can say so. `STATUSPLATFORM_VENV` names another environment than `.venv`. An interpreter
that already is that environment's is used as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
OLDEST = (3, 11)
NEWEST = (3, 14)
STAMP = ".installed.json"


class SetupError(Exception):
    """The environment cannot be made; the text is one line for the person who typed the command."""


def say(text: str) -> None:
    """Print progress, on standard error: standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def venv_dir() -> Path:
    """Return the environment's folder."""
    return Path(os.environ.get("STATUSPLATFORM_VENV") or BASE_DIR / ".venv").absolute()


def is_active(venv: Path) -> bool:
    """Tell whether this interpreter is the environment's own."""
    return sys.prefix != sys.base_prefix and os.path.realpath(sys.prefix) == os.path.realpath(venv)


def digest(lock: Path) -> str:
    """Return what identifies a lock file's content."""
    # Here, since it brings all of OpenSSL, and the parent of `up` passes by without it.
    import hashlib

    try:
        return hashlib.sha256(lock.read_bytes()).hexdigest()
    except OSError as error:
        raise SetupError(f"cannot read {lock}: {error.strerror}") from error


def is_whole(venv: Path) -> bool:
    """Tell whether the environment's interpreter exists and is still the version it was made for.

    A system upgrade moves `python3` to another version and leaves the packages behind.
    """
    python = venv / "bin" / "python"
    try:
        config = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    made_for = re.search(r"^version(?:_info)?\s*=\s*(3\.\d+)", config, re.MULTILINE)
    runs = re.search(r"python(3\.\d+)$", os.path.realpath(python))
    if made_for is None or not os.access(str(python), os.X_OK):
        return False
    return runs is None or runs.group(1) == made_for.group(1)


def installed(venv: Path) -> dict:
    """Return {lock file name: digest} of what was installed completely."""
    if not is_whole(venv):
        return {}
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_installed(venv: Path, lock: Path) -> bool:
    """Tell whether exactly this lock is what the environment holds."""
    return installed(venv).get(lock.name) == digest(lock)


def find_python() -> str:
    """Return an interpreter that is new enough: this one, else the newest found on PATH."""
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise SetupError(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}, and "
        "PATH has no newer one: install it (Debian and Ubuntu: apt install python3 python3-venv)"
    )


def run(command: list, failure: str) -> None:
    """Run a quiet step; its own words are shown only when it fails."""
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        say(done.stdout.rstrip())
        raise SetupError(failure)


def make_venv(venv: Path, uv: str | None) -> None:
    """Make the folder anew; what is left of an earlier one is removed, and nothing else ever is."""
    ours = venv == BASE_DIR / ".venv" or (venv / "pyvenv.cfg").exists()
    if venv.exists() and any(venv.iterdir()) and not ours:
        raise SetupError(f"{venv} exists and is not a Python environment: move it away")
    say(f"Making the environment {venv}")
    failure = f"could not make {venv} (see above); remove it and try again"
    if uv:
        try:
            python = find_python()
        except SetupError:
            python = f"{OLDEST[0]}.{OLDEST[1]}"  # uv may know one that PATH does not
        run([uv, "venv", "--quiet", "--clear", "--python", python, str(venv)], failure)
        return
    python = find_python()
    # Debian splits these off its python3 package.
    probe = subprocess.run(
        [python, "-c", "import ensurepip, venv"], check=False, stderr=subprocess.DEVNULL
    )
    if probe.returncode:
        version = re.search(r"3\.\d+", Path(python).name)
        exact = version.group(0) if version else f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(
            "this Python cannot make environments: install the system package python3-venv "
            f"(Debian and Ubuntu: apt install python{exact}-venv) and try again"
        )
    run([python, "-m", "venv", "--clear", str(venv)], failure)


def install(venv: Path, lock: Path, uv: str | None) -> None:
    """Install what the lock names, showing how far it is."""
    python = str(venv / "bin" / "python")
    total = len(re.findall(r"^\S+==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"Installing {total} packages of {lock.name} (about half a minute)")
    if uv:
        command = [uv, "pip", "install", "--python", python]
    else:
        # A folder that lost its pip in an interrupted run gets it back.
        pip_there = [python, "-c", "import pip"]
        if subprocess.run(pip_there, check=False, stderr=subprocess.DEVNULL).returncode:
            run([python, "-m", "ensurepip", "--upgrade"], f"{venv} has no pip: remove it")
        command = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command += ["--progress-bar", "off"]
    command += ["--require-hashes", "-r", str(lock)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    tail = []
    seen = 0
    for line in process.stdout:
        tail = [*tail[-19:], line.rstrip()]
        if line.startswith("Collecting "):
            seen += 1
            if sys.stderr.isatty():
                print(f"\r  {min(seen, total)} of {total} ", end="", file=sys.stderr)
            elif seen % 10 == 0:
                say(f"  {min(seen, total)} of {total}")
        elif line.startswith("Installing collected"):
            say("\r  unpacking …" if sys.stderr.isatty() else "  unpacking …")
    if process.wait():
        say("\n".join(tail))
        raise SetupError(
            "the packages could not be installed (see above): check the network or pip's own "
            "configuration, then run the same command again"
        )


@contextlib.contextmanager
def only_one(venv: Path):
    """Let one process at a time prepare the folder; a killed one leaves nothing locked."""
    import fcntl  # POSIX only: on other systems the error below is the clear one

    path = venv.with_name(venv.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"Another process is preparing {venv}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def fill(venv: Path, lock: Path, uv: str | None) -> None:
    """Install the lock into the environment, which is made where it is missing."""
    if not is_whole(venv):
        make_venv(venv, uv)
    install(venv, lock, uv)


def prepare(venv: Path, lock: Path) -> None:
    """Bring the environment to the lock; nothing is done when it is there already."""
    if is_installed(venv, lock):
        return
    with only_one(venv):
        if is_installed(venv, lock):
            return
        stamps = installed(venv)
        # A broken-off installation must not look whole: the stamp goes first and comes last.
        with contextlib.suppress(FileNotFoundError):
            (venv / STAMP).unlink()
        uv = shutil.which("uv")
        if uv:
            try:
                fill(venv, lock, uv)
            except SetupError:
                say("uv could not do it; trying venv and pip")
                fill(venv, lock, None)
        else:
            fill(venv, lock, None)
        stamps[lock.name] = digest(lock)
        if lock.name == "dev.txt":  # it holds everything of base.txt, at the same versions
            stamps["base.txt"] = digest(lock.with_name("base.txt"))
        temporary = venv / (STAMP + ".new")
        temporary.write_text(json.dumps(stamps), encoding="utf-8")
        temporary.replace(venv / STAMP)
        say("Ready")


def enter_environment(arguments: list) -> None:
    """Replace this process by the environment's interpreter unless it already is that."""
    venv = venv_dir()
    if is_active(venv):
        return
    if os.name != "posix":
        raise SetupError("Linux or macOS is needed (on Windows: WSL)")
    wants_tests = arguments[:1] == ["test"]
    try:
        prepare(venv, BASE_DIR / "requirements" / ("dev.txt" if wants_tests else "base.txt"))
    except OSError as error:
        raise SetupError(f"could not prepare {venv}: {error}") from error
    python = str(venv / "bin" / "python")
    os.execv(python, [python, str(BASE_DIR / "manage.py"), *arguments])


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusplatform.settings")
    arguments = sys.argv[1:]
    if arguments[:1] == ["test"]:
        from tests.runner import main as run_tests

        os.chdir(str(BASE_DIR))
        sys.exit(run_tests(arguments[1:]))
    if arguments[:1] == ["up"]:
        # The parent of all processes stays small: it never imports Django.
        from statusplatform.supervisor.command import run_up

        sys.exit(run_up(arguments[1:]))

    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        _ = settings.INSTALLED_APPS  # reads the settings
    except ImproperlyConfigured as error:
        # A variable has a value that cannot be; the text names it.
        say(f"manage.py: {error}")
        sys.exit(1)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        enter_environment(sys.argv[1:])
    except SetupError as error:
        say(f"manage.py: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    main()
