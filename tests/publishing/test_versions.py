from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import brotli
import pytest

from apps.publishing import layout, versions
from apps.publishing.versions import File, Version
from tests.factories import NOW

PAGE = "p0000000000p"
FILLING = "filling " * 200


def version(seq: int, *, late: int = 0, mark: str = "") -> Version:
    text = mark or f"seq {seq}"
    return Version(
        seq=seq,
        built_at=NOW + timedelta(seconds=late),
        files=(
            File(
                "", "index.html", "html", f"<p>{text}</p><!--stale old stale-->{FILLING}".encode()
            ),
            File("api/v2/status.json", "api/v2/status.json", "json", f'"{text}"'.encode()),
        ),
    )


def content(root: Path, name: str = "index.html") -> str:
    return (layout.current_link(root, PAGE) / name).read_text()


def test_a_version_is_put_in_place_with_its_encodings(tmp_path):
    assert versions.install(tmp_path, PAGE, version(1))

    current = layout.current_link(tmp_path, PAGE)
    identity = (current / "index.html").read_bytes()
    assert gzip.decompress((current / "index.html.gz").read_bytes()) == identity
    assert brotli.decompress((current / "index.html.br").read_bytes()) == identity
    assert (current / "index.html.stale").read_bytes() == f"<p>seq 1</p>old{FILLING}".encode()
    assert not (current / "api/v2/status.json.gz").exists()
    assert not (current / "api/v2/status.json.stale").exists()


@pytest.mark.parametrize(
    ("first", "second", "is_newer"),
    [
        (version(1), version(2), True),
        (version(2), version(1, late=60), False),
        (version(2), version(2, late=1), True),
        (version(2, late=1), version(2), False),
        (version(2), version(2), False),
        (version(9), version(10), True),
    ],
)
def test_only_a_newer_version_replaces_one(tmp_path, first, second, is_newer):
    versions.install(tmp_path, PAGE, first)

    assert versions.install(tmp_path, PAGE, second) is is_newer

    expected = second if is_newer else first
    assert versions.current_name(tmp_path, PAGE) == expected.name
    assert json.loads(content(tmp_path, layout.MANIFEST))["seq"] == expected.seq


def test_files_that_were_written_but_not_put_in_place_are_healed(tmp_path):
    versions.install(tmp_path, PAGE, version(1))
    versions.write_version(tmp_path, PAGE, version(2))
    assert "seq 1" in content(tmp_path)

    assert versions.install(tmp_path, PAGE, version(2))

    assert "seq 2" in content(tmp_path)


def test_what_a_dead_build_left_half_written_is_never_seen_and_swept_away(tmp_path):
    half = layout.version_dir(tmp_path, PAGE, ".000000000009-0.dead")
    half.mkdir(parents=True)
    (half / "index.html").write_text("half")
    os.utime(half, (time.time() - 60, time.time() - 60))

    versions.install(tmp_path, PAGE, version(1))

    assert not half.exists()


def test_a_replaced_version_lives_on_for_readers_in_the_middle_of_it(tmp_path):
    versions.install(tmp_path, PAGE, version(1))
    first = layout.version_dir(tmp_path, PAGE, version(1).name)
    os.utime(first, (0, 0))
    versions.install(tmp_path, PAGE, version(2))
    assert first.exists()

    os.utime(first, (time.time() - 60, time.time() - 60))
    versions.install(tmp_path, PAGE, version(3))

    assert not first.exists()


def test_of_many_writers_at_once_the_newest_wins(tmp_path):
    threads = [
        threading.Thread(target=versions.install, args=(tmp_path, PAGE, version(seq)))
        for seq in range(1, 25)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "seq 24" in content(tmp_path)


def test_equal_files_have_an_equal_digest():
    assert version(1, mark="x").digest == version(2, late=9, mark="x").digest
    assert version(1).digest != version(2).digest


def test_the_time_until_a_version_is_true_never_moves_back(tmp_path):
    (tmp_path / "pages" / PAGE).mkdir(parents=True)
    versions.write_fresh_until(tmp_path, PAGE, NOW)
    versions.write_fresh_until(tmp_path, PAGE, NOW - timedelta(seconds=5))

    assert float(layout.fresh_file(tmp_path, PAGE).read_text()) == NOW.timestamp()


def test_archive_files_come_and_go(tmp_path):
    versions.write_archive(tmp_path, PAGE, {"incidents/n00000000001": FILLING.encode()})
    folder = layout.archive_dir(tmp_path, PAGE) / "incidents"
    assert len(list(folder.iterdir())) == 6

    versions.write_archive(tmp_path, PAGE, {"incidents/n00000000001": b""})

    assert list(folder.iterdir()) == []


def test_an_archive_key_cannot_lead_elsewhere(tmp_path):
    with pytest.raises(ValueError, match="not an archive key"):
        versions.write_archive(tmp_path, PAGE, {"../../x": b"1"})


def test_assets_are_written_once_under_their_hash(tmp_path):
    content = FILLING.encode()
    versions.write_assets(tmp_path, {"page.0123456789ab.css": content}, b"unknown")
    path = tmp_path / "assets" / "page.0123456789ab.css"
    stamp = path.stat().st_mtime_ns

    versions.write_assets(tmp_path, {"page.0123456789ab.css": content}, b"unknown")

    assert path.stat().st_mtime_ns == stamp
    assert gzip.decompress(path.with_name(path.name + ".gz").read_bytes()) == content


def inodes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_ino
        for path in folder.rglob("*")
        if path.is_file() and path.name != layout.MANIFEST
    }


def test_files_that_are_the_same_again_are_linked_and_others_written(tmp_path):
    later = version(2, mark="seq 1")
    changed = replace(later, seq=3, files=(later.files[0], version(3).files[1]))

    folders = [versions.write_version(tmp_path, PAGE, one) for one in (version(1), later, changed)]

    first, second, third = (inodes(folder) for folder in folders)
    assert first == second
    assert {name for name in third if third[name] != second[name]} == {"api/v2/status.json"}
    assert (folders[2] / "api/v2/status.json").read_text() == '"seq 3"'
    assert (folders[0] / "api/v2/status.json").read_text() == '"seq 1"'


def test_a_version_whose_forerunner_is_gone_or_of_another_process_is_written_whole(tmp_path):
    whole = inodes(versions.write_version(tmp_path, PAGE, version(1))).keys()
    shutil.rmtree(layout.version_dir(tmp_path, PAGE, version(1).name))
    second = versions.write_version(tmp_path, PAGE, version(2, mark="seq 1"))
    versions._last_written.clear()
    third = versions.write_version(tmp_path, PAGE, version(3, mark="seq 1"))

    assert inodes(second).keys() == inodes(third).keys() == whole
    assert not set(inodes(second).values()) & set(inodes(third).values())
