"""manage.py makes its own environment, or says in one line what is missing."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# The system's interpreter, not this environment's: it is what a newcomer types.
PYTHON = str(Path(sys.base_prefix) / "bin" / "python3")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what the bootstrap needs, whose lock installs nothing; no tools on its PATH."""
    folder = tmp_path / "clone"
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "manage.py", folder / "manage.py")
    for name in ("base.txt", "dev.txt"):
        (folder / "requirements" / name).write_text("")
    (folder / "django" / "core").mkdir(parents=True)
    (folder / "django" / "__init__.py").touch()
    (folder / "django" / "core" / "__init__.py").touch()
    (folder / "django" / "conf.py").write_text("class settings:\n    INSTALLED_APPS = []\n")
    (folder / "django" / "core" / "exceptions.py").write_text(
        "class ImproperlyConfigured(Exception):\n    pass\n"
    )
    # Stands for Django, which this lock does not install: it tells who runs it.
    (folder / "django" / "core" / "management.py").write_text(
        "import sys\ndef execute_from_command_line(argv):\n    print(sys.prefix, *argv[1:])\n"
    )
    (folder / "bin").mkdir()
    return folder


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "manage.py", *arguments],
        cwd=clone,
        env={"PATH": str(clone / "bin"), "HOME": str(clone), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(clone: Path, name: str, script: str) -> None:
    """Put a program on the clone's PATH."""
    path = clone / "bin" / name
    path.write_text(script)
    path.chmod(0o755)


@pytest.fixture
def uv(clone: Path) -> Path:
    """A uv that makes environments fast, and notes what it was asked for in the returned file."""
    notes = clone / "asked"
    notes.touch()
    make = f'exec {PYTHON} -m venv --without-pip "$6"'
    program(clone, "uv", f'#!/bin/sh\necho "$1" >> {notes}\n[ "$1" = venv ] && {make}\nexit 0\n')
    return notes


def test_it_parses_on_python_3_8() -> None:
    source = (ROOT / "manage.py").read_text()

    tree = ast.parse(source, feature_version=(3, 8))

    # Type expressions of newer versions are harmless only because they are never evaluated.
    first = next(node for node in tree.body if isinstance(node, ast.ImportFrom))
    assert (first.module, first.names[0].name) == ("__future__", "annotations")


def test_above_main_it_imports_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "manage.py").read_text())
    main = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"
    )
    inside_main = set(ast.walk(main))

    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if node not in inside_main and isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }

    assert imported <= sys.stdlib_module_names


def test_it_holds_no_download_address() -> None:
    assert "://" not in (ROOT / "manage.py").read_text()


@pytest.mark.e2e
def test_the_first_command_makes_the_environment_and_runs_in_it(clone: Path) -> None:
    done = run(clone, "hello", "--world")

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(clone / ".venv"), "hello", "--world"]
    assert "Making the environment" in done.stderr
    stamp = json.loads((clone / ".venv" / ".installed.json").read_text())
    assert set(stamp) == {"base.txt"}


def test_the_next_command_prepares_nothing(clone: Path, uv: Path) -> None:
    run(clone, "hello")

    done = run(clone, "hello")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_changed_lock_is_installed_again(clone: Path, uv: Path) -> None:
    run(clone, "hello")
    (clone / "requirements" / "base.txt").write_text("# another\n")

    done = run(clone, "hello")

    assert "Installing" in done.stderr
    assert "Making" not in done.stderr


def test_a_half_made_environment_is_repaired(clone: Path, uv: Path) -> None:
    run(clone, "hello")
    (clone / ".venv" / ".installed.json").unlink()
    (clone / ".venv" / "bin" / "python").unlink()

    done = run(clone, "hello")

    assert done.returncode == 0, done.stderr
    assert "Making the environment" in done.stderr


def test_a_folder_that_is_no_environment_is_never_cleared(clone: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()

    done = run(clone, "hello", STATUSPLATFORM_VENV=str(precious))

    assert done.returncode == 1
    assert "is not a Python environment" in done.stderr
    assert (precious / "file").exists()


def test_another_environment_can_be_named(clone: Path, uv: Path, tmp_path: Path) -> None:
    done = run(clone, "hello", STATUSPLATFORM_VENV=str(tmp_path / "other"))

    assert done.stdout.split()[0] == str(tmp_path / "other")
    assert not (clone / ".venv").exists()


def test_two_at_once_prepare_it_once(clone: Path, uv: Path) -> None:
    command = [PYTHON, "manage.py", "hello"]
    environment = {"PATH": str(clone / "bin"), "HOME": str(clone)}

    both = [
        subprocess.Popen(
            command,
            cwd=clone,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sum("Making the environment" in text for text in said) == 1
    assert uv.read_text().split() == ["venv", "pip"]


def test_without_ensurepip_it_names_the_package_to_install(clone: Path) -> None:
    # Debian's python3 without python3-venv: the module is there, ensurepip is not.
    (clone / "ensurepip.py").write_text("raise ImportError('No module named ensurepip')\n")

    done = run(clone, "hello", PYTHONPATH=str(clone))

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "python3-venv" in done.stderr
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-venv" in done.stderr


def test_uv_is_used_where_it_is_on_the_path(clone: Path, uv: Path) -> None:
    done = run(clone, "hello")

    assert done.returncode == 0, done.stderr
    assert uv.read_text().split() == ["venv", "pip"]


@pytest.mark.e2e
def test_pip_steps_in_where_uv_cannot(clone: Path) -> None:
    program(clone, "uv", "#!/bin/sh\necho no network\nexit 2\n")

    done = run(clone, "hello")

    assert done.returncode == 0, done.stderr
    assert "trying venv and pip" in done.stderr


@pytest.mark.e2e
def test_a_failing_installation_is_told_and_not_taken_for_whole(clone: Path) -> None:
    (clone / "requirements" / "base.txt").write_text("no-such-package==1 --hash=sha256:00\n")

    done = run(clone, "hello", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)

    assert done.returncode == 1
    assert "could not be installed" in done.stderr.splitlines()[-1]
    assert not (clone / ".venv" / ".installed.json").exists()


def _as_old_python(clone: Path, *, path: Path) -> subprocess.CompletedProcess[str]:
    """Ask manage.py which interpreter it would use, as if it ran under 3.9."""
    code = (
        "import sys, manage\n"
        "sys.version_info = (3, 9, 2, 'final', 0)\n"
        "try:\n    print(manage.find_python())\n"
        "except manage.SetupError as error:\n    print('error:', error)\n"
    )
    return subprocess.run(
        [PYTHON, "-c", code],
        cwd=clone,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_an_old_interpreter_finds_the_newest_one_on_the_path(clone: Path) -> None:
    program(clone, "python3.11", "#!/bin/sh\n")
    program(clone, "python3.13", "#!/bin/sh\n")

    done = _as_old_python(clone, path=clone / "bin")

    assert done.stdout.strip() == str(clone / "bin" / "python3.13")


def test_an_old_interpreter_alone_says_what_to_install(clone: Path) -> None:
    done = _as_old_python(clone, path=clone / "bin")

    assert "Python 3.11 or newer is needed" in done.stdout
    assert "apt install python3" in done.stdout


def test_a_variable_with_an_impossible_value_is_named_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env={**os.environ, "CELERY_BROKER_URL": "nonsense://"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("manage.py: CELERY_BROKER_URL: expected")
