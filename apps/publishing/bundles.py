"""A version as one value in the database, and how other hosts write their copy from it."""

from __future__ import annotations

import json
import logging
import threading
import zlib
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from apps.pages.models import Page
from apps.publishing import html, versions
from apps.publishing.assets import load_assets
from apps.publishing.models import ArchiveFile, Bundle, Publication

logger = logging.getLogger(__name__)

POLL_S = 0.25
# Files of the archive fetched by one query.
_BATCH = 200


def pack(version: versions.Version) -> bytes:
    """Return a version as bytes: a line of JSON with the files' names and sizes, then their contents."""
    head = {
        "seq": version.seq,
        "built_at": version.built_at.isoformat(),
        "files": [[file.key, file.name, file.kind, len(file.content)] for file in version.files],
    }
    body = b"".join(file.content for file in version.files)
    return zlib.compress(json.dumps(head).encode() + b"\n" + body, level=1)


def unpack(content: bytes) -> versions.Version:
    """Return the version that `pack` made into bytes."""
    raw = zlib.decompress(content)
    line, _, body = raw.partition(b"\n")
    head = json.loads(line)
    files = []
    start = 0
    for key, name, kind, size in head["files"]:
        files.append(versions.File(key, name, kind, body[start : start + size]))
        start += size
    return versions.Version(
        seq=head["seq"], built_at=datetime.fromisoformat(head["built_at"]), files=tuple(files)
    )


def pack_archived(content: bytes) -> bytes:
    """Return an archive file for its row; nothing stays nothing."""
    return zlib.compress(content) if content else b""


def write_common(root: Path) -> None:
    """Write what all pages share: which addresses there are, assets, the page for unknown ones."""
    assets = load_assets()
    versions.write_assets(root, assets.files, html.unknown_address(assets))
    addresses = Page.objects.live().order_by()
    rows = list(addresses.values_list("public_id", "slug", "domain", "former_slugs__slug"))
    former = {old: slug for _, slug, _, old in rows if old}
    pages = {(page_id, slug, domain) for page_id, slug, domain, _ in rows}
    versions.write_hosts(root, pages, former=former)


def sync_archive(root: Path, publication: Publication, page_id: str) -> None:
    """Write the archive files that are newer in the database than here; all, when it went back."""
    present = versions.archive_seq(root, page_id)
    if present == publication.archive_seq:
        return
    since = present if present < publication.archive_seq else 0
    newer = ArchiveFile.objects.filter(publication=publication, seq__gt=since).order_by("pk")
    last_pk = 0
    while batch := list(newer.filter(pk__gt=last_pk)[:_BATCH]):
        files = {row.path: zlib.decompress(row.content) if row.content else b"" for row in batch}
        versions.write_archive(root, page_id, files)
        last_pk = batch[-1].pk
    versions.write_archive_seq(root, page_id, publication.archive_seq)


class BundleSync:
    """Keeps a host's published folder as new as the database. One query while nothing changes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fresh: dict[str, datetime] = {}
        self._hosts: list[tuple[str, str, str]] | None = None

    def turn(self) -> None:
        """Write what is newer in the database than here."""
        rows = list(
            Publication.objects.filter(page__archived_at__isnull=True)
            .select_related("page")
            .only(
                "archive_seq",
                "fresh_until",
                "page__public_id",
                "page__slug",
                "page__domain",
                "bundle__name",
            )
            .select_related("bundle")
            .order_by("pk")
        )
        for publication in rows:
            self._write(publication)
        self._write_common(rows)

    def _write(self, publication: Publication) -> None:
        page_id = publication.page.public_id
        bundle: Bundle | None = getattr(publication, "bundle", None)
        if bundle is None:
            return
        sync_archive(self._root, publication, page_id)
        if bundle.name > (versions.current_name(self._root, page_id) or ""):
            content = Bundle.objects.values_list("content", flat=True).get(pk=bundle.pk)
            versions.install(self._root, page_id, unpack(bytes(content)))
        until = publication.fresh_until
        if until is not None and self._fresh.get(page_id) != until:
            versions.write_fresh_until(self._root, page_id, until)
            self._fresh[page_id] = until

    def _write_common(self, rows: list[Publication]) -> None:
        hosts = [(row.page.public_id, row.page.slug, row.page.domain) for row in rows]
        if hosts == self._hosts and (self._root / "hosts.json").exists():
            return
        write_common(self._root)
        known = {page_id for page_id, _, _ in hosts}
        for page_id in versions.page_ids(self._root):
            if page_id not in known:
                versions.remove_page(self._root, page_id)
        self._hosts = hosts


def sync_bundles(stopping: threading.Event) -> None:
    """Keep this host's copy until told to stop. The database may be away: the files stay as they are."""
    sync = BundleSync(Path(settings.PUBLISHED_DIR))
    wait_s = POLL_S
    while not stopping.wait(wait_s):
        try:
            close_old_connections()
            sync.turn()
            wait_s = POLL_S
        except DatabaseError:
            logger.warning("published files not compared with the database, which does not answer")
            wait_s = 5.0
        except Exception:
            logger.exception("published files not compared with the database")
            wait_s = 5.0
