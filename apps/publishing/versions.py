"""Writing published files: whole versions, put in place by one rename and only if newer.

Nothing here is synced to disk one by one: after a power cut a file may be empty, and the first build of a
process therefore always writes a version anew. A killed process leaves no half file in place.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import brotli

from apps.publishing import layout

# A reader in the middle of a version that is replaced gets this long to finish.
_KEEP_S = 10.0
_GZIP_LEVEL, _BROTLI_LEVEL = 6, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class File:
    """A file of a version. `key` is its address below the page, `name` its path; `kind` one of layout.HEADERS."""

    key: str
    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Version:
    """One published set of files, which agree. `built_at` is the instant of its snapshot."""

    seq: int
    built_at: datetime
    files: tuple[File, ...]

    @property
    def name(self) -> str:
        """A newer version's name sorts later."""
        micros = (self.built_at - _EPOCH) // (datetime.resolution)
        return f"{self.seq:012d}-{micros:017d}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over what is in the files, hexadecimal."""
        summed = hashlib.sha256()
        for file in self.files:
            summed.update(f"{file.key}\n{file.name}\n{file.kind}\n{len(file.content)}\n".encode())
            summed.update(file.content)
        return summed.hexdigest()


def seq_of(name: str) -> int:
    """Return the sequence number in a version's name."""
    return int(name.partition("-")[0])


def current_name(root: Path, page_id: str) -> str | None:
    """Return the name of the version in place; None when there is none."""
    try:
        return os.path.basename(os.readlink(layout.current_link(root, page_id)))
    except OSError:
        return None


def current_digest(root: Path, page_id: str) -> str | None:
    """Return the digest of the version in place; None when there is none that can be read."""
    try:
        manifest = json.loads((layout.current_link(root, page_id) / layout.MANIFEST).read_bytes())
        return str(manifest["digest"])
    except (OSError, ValueError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class _Written:
    """A version's folder as this process wrote it: {path: digest} and {path: names of its copies}."""

    folder: Path
    digests: dict[str, bytes]
    copies: dict[str, list[str]]


# The last of each page. Files that are the same again are linked to instead of encoded and written; only to those of
# this process, since what was there before may have suffered in a power cut.
_last_written: dict[tuple[str, str], _Written] = {}


def write_version(root: Path, page_id: str, version: Version) -> Path:
    """Write the version's folder whole, without putting it in place, and return it."""
    folder = layout.version_dir(root, page_id, version.name)
    temporary = folder.with_name(f".{version.name}.{secrets.token_hex(4)}")
    temporary.mkdir(parents=True)
    last = _last_written.get((str(root), page_id))
    written = _Written(folder, {}, {})
    folders = {temporary}
    for file in version.files:
        path = temporary / file.name
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
        digest = hashlib.blake2b(file.kind.encode() + b"\n" + file.content).digest()
        if last is not None and last.digests.get(file.name) == digest:
            names = last.copies[file.name]
            if _link(names, last.folder / file.name, path):
                written.digests[file.name], written.copies[file.name] = digest, names
                continue
        names = []
        for target, content in _copies(path, file.content, kind=file.kind):
            target.write_bytes(content)
            names.append(target.name)
        written.digests[file.name], written.copies[file.name] = digest, names
    (temporary / layout.MANIFEST).write_bytes(_manifest(version))
    try:
        temporary.rename(folder)
    except OSError:
        # The same version was written before, by a build that died or on this very host.
        shutil.rmtree(temporary)
        _last_written.pop((str(root), page_id), None)
    else:
        _last_written[str(root), page_id] = written
    return folder


def _link(names: list[str], old: Path, new: Path) -> bool:
    """Give the copies of an earlier version's file a second name. Say whether it could be done."""
    try:
        for name in names:
            os.link(old.with_name(name), new.with_name(name))
    except OSError:
        # The earlier version is gone, or the file system knows no links. What was linked is not written into.
        for name in names:
            new.with_name(name).unlink(missing_ok=True)
        return False
    return True


def put_in_place(root: Path, page_id: str, name: str) -> bool:
    """Let readers see a written version, unless one that is as new is in place. Say whether it was done."""
    with _lock(layout.page_dir(root, page_id)):
        present = current_name(root, page_id)
        if present is not None and present >= name:
            return False
        if present is not None:
            # From now on its time to live counts.
            with suppress(FileNotFoundError):
                os.utime(layout.version_dir(root, page_id, present))
        link = layout.current_link(root, page_id)
        temporary = link.with_name(f".current.{secrets.token_hex(4)}")
        temporary.symlink_to(Path("versions") / name)
        temporary.rename(link)
        _remove_old(root, page_id, keep=name)
    return True


def install(root: Path, page_id: str, version: Version) -> bool:
    """Write a version and put it in place if it is newer. Say whether it was."""
    present = current_name(root, page_id)
    if present is not None and present >= version.name:
        return False
    write_version(root, page_id, version)
    return put_in_place(root, page_id, version.name)


def write_archive(root: Path, page_id: str, files: Mapping[str, bytes]) -> None:
    """Write archive files, {key: HTML or JSON}; an empty content takes the file away."""
    folder = layout.archive_dir(root, page_id)
    for key, content in files.items():
        if not layout.ARCHIVE_KEY.fullmatch(key):
            raise ValueError(f"not an archive key: {key}")
        path = folder / layout.archive_name(key)
        kind = layout.archive_kind(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not content:
            for stale in ("", layout.STALE):
                for _, suffix in layout.ENCODINGS:
                    path.with_name(path.name + stale + suffix).unlink(missing_ok=True)
        for target, copy in _copies(path, content, kind=kind) if content else ():
            write_whole(target, copy)


def archive_seq(root: Path, page_id: str) -> int:
    """Return how far the archive has been written here; 0 when it has not."""
    try:
        return int((layout.archive_dir(root, page_id) / "seq").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def write_archive_seq(root: Path, page_id: str, seq: int) -> None:
    write_whole(layout.archive_dir(root, page_id) / "seq", str(seq).encode())


def write_fresh_until(root: Path, page_id: str, fresh_until: datetime) -> None:
    """Note until when the version in place is true. It never moves back."""
    path = layout.fresh_file(root, page_id)
    seconds = fresh_until.timestamp()
    try:
        if float(path.read_text(encoding="ascii")) >= seconds:
            return
    except (OSError, ValueError):
        pass
    write_whole(path, f"{seconds:.3f}".encode())


def write_hosts(
    root: Path, pages: Iterable[tuple[str, str, str]], *, former: Mapping[str, str] | None = None
) -> None:
    """Write which page answers which address, from (page's public id, slug, domain or empty).

    `former` gives for slugs that pages had before the one that each leads to; a page's own slug goes before.
    """
    slugs: dict[str, str] = {}
    domains: dict[str, str] = {}
    for page_id, slug, domain in sorted(pages):
        slugs[slug] = page_id
        if domain:
            domains[domain] = page_id
    moved = {old: slug for old, slug in sorted((former or {}).items()) if old not in slugs}
    addresses = {"slugs": slugs, "domains": domains, "moved": moved}
    content = json.dumps(addresses, indent=1).encode()
    path = root / layout.HOSTS
    try:
        if path.read_bytes() == content:
            return
    except OSError:
        pass
    write_whole(path, content)


def write_assets(root: Path, files: Mapping[str, bytes], missing_page: bytes) -> None:
    """Write the assets that are not there yet, and the page for unknown addresses."""
    for name, content in files.items():
        path = root / layout.ASSETS / name
        if path.exists():
            continue
        for target, copy in _copies(path, content, kind="asset"):
            write_whole(target, copy)
    path = root / layout.MISSING
    if not path.exists() or path.read_bytes() != missing_page:
        write_whole(path, missing_page)


def remove_page(root: Path, page_id: str) -> None:
    """Take everything that was published of a page away."""
    _last_written.pop((str(root), page_id), None)
    shutil.rmtree(layout.page_dir(root, page_id), ignore_errors=True)


def page_ids(root: Path) -> list[str]:
    """Return the pages that have a folder here."""
    try:
        return sorted(os.listdir(root / "pages"))
    except FileNotFoundError:
        return []


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that no reader sees a part of it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
    temporary.rename(path)


def _copies(path: Path, content: bytes, *, kind: str) -> Iterator[tuple[Path, bytes]]:
    """Yield each file that a content becomes: encoded, stale, and itself last."""
    variants = [(path, content)]
    if kind == "html":
        variants.insert(0, (path.with_name(path.name + layout.STALE), layout.stale_copy(content)))
    for variant, identity in variants:
        for encoding, suffix in layout.ENCODINGS:
            if encoding and len(identity) < layout.LEAST_ENCODED:
                continue
            yield variant.with_name(variant.name + suffix), _encoded(identity, encoding)


def _encoded(content: bytes, encoding: str) -> bytes:
    if encoding == "br":
        return bytes(brotli.compress(content, quality=_BROTLI_LEVEL))
    if encoding == "gzip":
        return gzip.compress(content, compresslevel=_GZIP_LEVEL, mtime=0)
    return content


def _manifest(version: Version) -> bytes:
    files: list[dict[str, Any]] = []
    for file in version.files:
        headers = [*layout.HEADERS[file.kind], ("X-Statuspage-Version", version.digest[:40])]
        entry: dict[str, Any] = {
            "key": file.key,
            "name": file.name,
            "kind": file.kind,
            "size": len(file.content),
            "etag": layout.etag(file.content),
            "headers": headers,
        }
        if file.kind == "html":
            entry["stale_etag"] = layout.etag(layout.stale_copy(file.content))
        files.append(entry)
    content = {
        "name": version.name,
        "seq": version.seq,
        "built_at": version.built_at.isoformat(),
        "digest": version.digest,
        "files": files,
    }
    return json.dumps(content, indent=1).encode()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _remove_old(root: Path, page_id: str, *, keep: str) -> None:
    """Remove versions that were replaced a while ago, and what dead builds left."""
    oldest = time.time() - _KEEP_S
    with os.scandir(layout.page_dir(root, page_id) / "versions") as entries:
        for entry in entries:
            if entry.name == keep:
                continue
            try:
                is_old = entry.stat(follow_symlinks=False).st_mtime < oldest
            except FileNotFoundError:
                continue
            if is_old:
                shutil.rmtree(entry.path, ignore_errors=True)
