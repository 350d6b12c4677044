"""Asking for a page's publication, and building what was asked for.

A build reads a page in one snapshot, writes its files, puts them in place and then says so in the database.
Wherever it dies, what was asked for is still asked for: the next build does it whole again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.core import pump
from apps.core.clock import database_now
from apps.publishing import (
    archive,
    bundles,
    documents,
    feeds,
    html,
    layout,
    metrics_documents,
    uptime_archive,
    versions,
)
from apps.publishing.archive import ArchiveWork
from apps.publishing.assets import Assets, load_assets
from apps.publishing.history_documents import history_document, month_part, present_quarter
from apps.publishing.models import ArchiveFile, ArchiveMonth, Bundle, Publication
from apps.publishing.readmodel import PageModel
from apps.publishing.selectors import read_page
from apps.publishing.snapshot import read_snapshot

logger = logging.getLogger(__name__)

JOB = "publish"
# At most one version of a page in this time, after a first one at once.
APART = timedelta(milliseconds=200)
# Every page is looked at this often, also when nobody asks.
CHECK_EVERY = timedelta(seconds=60)
# Two checks may fail before readers are told.
FRESH_FOR = timedelta(seconds=180)
LEASE = timedelta(seconds=10)
_PAGES_A_TURN = 50

# Pages that this process has written once: see versions.py on power cuts.
_written: set[tuple[str, str]] = set()


@transaction.atomic
def request(*, page_ids: Iterable[int], at: datetime) -> None:
    """Ask for new versions of these pages, in the transaction that changed them."""
    wanted = sorted(set(page_ids))
    if not wanted:
        return
    publications = Publication.objects.filter(pk__in=wanted)
    # Locked in one order; an UPDATE takes its locks in any.
    present = set(publications.order_by("pk").select_for_update().values_list("pk", flat=True))
    missing = [pk for pk in wanted if pk not in present]
    if missing:
        Publication.objects.bulk_create(
            [Publication(page_id=pk, requested_seq=0) for pk in missing], ignore_conflicts=True
        )
    publications.update(requested_seq=F("requested_seq") + 1, requested_at=at)
    pump.wake_on_commit(JOB)


def is_anything_due() -> bool:
    """Say whether a build would find work now."""
    return _due(database_now()).exists()


def build_due() -> float | None:
    """Build the pages that are asked for or overdue. Return the seconds until the next may be built, or None.

    One page's failure is logged and keeps it waiting for its lease; the others are built.
    """
    now = database_now()
    waits: list[float] = []
    for publication in _due(now).select_related("page")[:_PAGES_A_TURN]:
        wait = (publication.published_at or now) + APART - now
        if publication.published_at is not None and wait > timedelta(0):
            waits.append(wait.total_seconds())
        elif not _build_leased(publication):
            continue
        elif publication.archive_cursor or publication.checked_at is None:
            waits.append(APART.total_seconds())
    return min(waits, default=None)


def _due(now: datetime) -> QuerySet[Publication]:
    """Publications to build that nobody is building, the longest waiting first."""
    is_asked = Q(requested_seq__gt=F("published_seq"))
    is_overdue = Q(checked_at__isnull=True) | Q(checked_at__lte=now - CHECK_EVERY)
    is_live = Q(page__archived_at__isnull=True)
    return (
        Publication.objects.filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))
        .filter(is_asked | (is_live & (is_overdue | Q(archive_cursor__gt=0))))
        .order_by("requested_at", "pk")
    )


def _build_leased(publication: Publication) -> bool:
    """Claim and build one page. Say whether it was done; false too when another process is at it."""
    now = database_now()
    claimed = (
        Publication.objects.filter(pk=publication.pk, claim_no=publication.claim_no)
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))
        .update(claim_no=F("claim_no") + 1, leased_until=now + LEASE)
    )
    if not claimed:
        return False
    publication.refresh_from_db()
    try:
        if publication.page.is_archived:
            _withdraw(publication)
        else:
            _build(publication)
    except Exception as error:
        # The lease stays: the next attempt is not before it has lapsed.
        logger.exception("page not built page=%s", publication.page.public_id)
        _held(publication).update(last_error=f"{type(error).__name__}: {error}"[:300])
        return False
    return True


@dataclass(frozen=True, slots=True)
class Built:
    """What one build makes: all of it from one snapshot."""

    model: PageModel
    version: versions.Version
    work: ArchiveWork
    seen: uptime_archive.Seen


def _build(publication: Publication) -> None:
    root, page_id = _root(), publication.page.public_id
    bundles.write_common(root)
    bundles.sync_archive(root, publication, page_id)
    built = render(publication, load_assets(), at=database_now())
    versions.write_archive(root, page_id, built.work.files)
    key = (str(root), page_id)
    told = Bundle.objects.filter(pk=publication.pk).values_list("name", flat=True).first()
    # A version in place that the database was not told of is replaced too: other hosts wait for it.
    is_new = (
        key not in _written
        or told != versions.current_name(root, page_id)
        or versions.current_digest(root, page_id) != built.version.digest
    )
    if is_new:
        if not versions.install(root, page_id, built.version):
            _outrun(publication, root)
        _written.add(key)
    if mark(publication, built, is_new=is_new):
        uptime_archive.keep(publication.pk, built.seen)
        publication.refresh_from_db()
        _note(publication, root, page_id)


def render(publication: Publication, assets: Assets, *, at: datetime) -> Built:
    """Read the page as of `at` and make its files, writing nothing."""
    with read_snapshot():
        model = read_page(publication.pk, at=at)
        work = archive.find_work(model, publication, assets)
        seen = uptime_archive.add_work(work, model, publication, assets)
    model = replace(model, months=tuple(work.index), history_parts=work.parts)
    return Built(model, render_version(model, assets), work, seen)


def render_version(model: PageModel, assets: Assets) -> versions.Version:
    """Return the files of a page's version, all made from one read model."""
    month, month_page = html.current_month(model, assets)
    pages = [
        ("", "index.html", html.overview(model, assets)),
        ("history", "history.html", html.history_index(model, assets)),
        (f"history/{month}", f"history/{month}.html", month_page),
        (
            layout.MISSING_BY_PATH,
            f"{layout.MISSING_BY_PATH}.html",
            html.missing(model.page, assets, root=f"/status/{model.page.slug}/"),
        ),
        (
            layout.MISSING_BY_HOST,
            f"{layout.MISSING_BY_HOST}.html",
            html.missing(model.page, assets, root="/"),
        ),
    ]
    files = [versions.File(key, name, "html", content) for key, name, content in pages]
    files += [
        versions.File(key, key, "json", content)
        for key, content in (
            documents.documents(model) | metrics_documents.documents(model)
        ).items()
    ]
    files += [
        versions.File(key, key, key.rpartition(".")[2], content)
        for key, content in feeds.feeds(model).items()
    ]
    quarter = present_quarter(model)
    parts = {
        **model.history_parts,
        month: month_part(month, html.events_of_month(model, month), model.zone),
    }
    files += [
        # By its file's name the front knows which quarter the first page is of.
        versions.File(
            "history.json",
            f"history/{quarter}.json",
            "json",
            history_document(model, quarter, parts),
        ),
        versions.File("embed/frame", "embed/frame.html", "frame", html.embed_frame(model, assets)),
        versions.File("embed/script.js", "embed/script.js", "script", assets.embed_script),
    ]
    return versions.Version(seq=model.seq, built_at=model.at, files=tuple(files))


@transaction.atomic
def mark(publication: Publication, built: Built, *, is_new: bool) -> bool:
    """Write down what is published now. Nothing, and false, when the lease was lost meanwhile."""
    at, work = built.model.at, built.work
    archive_seq = publication.archive_seq + (1 if work.files else 0)
    changes = {
        "published_seq": built.model.seq,
        # What is behind is built again at once.
        "checked_at": None if built.seen.is_behind else at,
        "fresh_until": at + FRESH_FOR,
        "leased_until": None,
        "last_error": "",
        "archive_seq": archive_seq,
        "archive_frame": work.frame,
        "archive_cursor": work.cursor,
    }
    if is_new:
        changes["published_at"] = at
    if not _held(publication).update(**changes):
        return False
    if is_new:
        content = bundles.pack(built.version)
        Bundle.objects.update_or_create(
            publication=publication,
            defaults={
                "seq": built.version.seq,
                "name": built.version.name,
                "digest": hashlib.sha256(content).hexdigest(),
                "content": content,
            },
        )
    ArchiveFile.objects.bulk_create(
        [
            ArchiveFile(
                publication=publication,
                path=key,
                seq=archive_seq,
                digest=work.digests[key],
                month=work.told_in[key],
                content=bundles.pack_archived(content),
            )
            for key, content in work.files.items()
        ],
        update_conflicts=True,
        unique_fields=["publication", "path"],
        update_fields=["seq", "digest", "month", "content"],
    )
    ArchiveMonth.objects.bulk_create(
        [
            ArchiveMonth(
                publication=publication,
                key=key,
                incidents=month.incidents,
                maintenances=month.maintenances,
                document=month.part,
            )
            for key, month in work.months.items()
        ],
        update_conflicts=True,
        unique_fields=["publication", "key"],
        update_fields=["incidents", "maintenances", "document"],
    )
    return True


def _note(publication: Publication, root: Path, page_id: str) -> None:
    """Write beside the files what the database says of them by now."""
    if versions.archive_seq(root, page_id) != publication.archive_seq:
        versions.write_archive_seq(root, page_id, publication.archive_seq)
    if publication.fresh_until is not None:
        versions.write_fresh_until(root, page_id, publication.fresh_until)


def _outrun(publication: Publication, root: Path) -> None:
    """Ask beyond a version in place that the database does not know of: it was restored from a backup."""
    present = versions.current_name(root, publication.page.public_id)
    if present is not None:
        Publication.objects.filter(
            pk=publication.pk, requested_seq__lt=versions.seq_of(present)
        ).update(requested_seq=versions.seq_of(present) + 1)


def _withdraw(publication: Publication) -> None:
    """Take an archived page away."""
    root = _root()
    bundles.write_common(root)
    versions.remove_page(root, publication.page.public_id)
    _written.discard((str(root), publication.page.public_id))
    with transaction.atomic():
        Bundle.objects.filter(publication=publication).delete()
        _held(publication).update(
            published_seq=publication.requested_seq, leased_until=None, last_error=""
        )


def _held(publication: Publication) -> QuerySet[Publication]:
    return Publication.objects.filter(pk=publication.pk, claim_no=publication.claim_no)


def _root() -> Path:
    return Path(settings.PUBLISHED_DIR)
