"""What every admin module builds on. Imported by web processes only."""

from apps.core.adminkit.access import Gated, is_superuser
from apps.core.adminkit.audited import AuditedAdmin
from apps.core.adminkit.confirm import Confirmation
from apps.core.adminkit.conflicts import FindsConflicts
from apps.core.adminkit.dependent import DependentSelects
from apps.core.adminkit.lists import (
    ArchivedFilter,
    BoundedPaginator,
    lasting,
    link,
    local,
    local_span,
    tag,
    utc,
)
from apps.core.adminkit.readonly import HistoryAdmin, HistoryInline
from apps.core.adminkit.service import (
    PartInline,
    PartTable,
    ServiceModelAdmin,
    actor_of,
    at_path,
    kept_forms,
    removed_rows,
)

__all__ = [
    "ArchivedFilter",
    "AuditedAdmin",
    "BoundedPaginator",
    "Confirmation",
    "DependentSelects",
    "FindsConflicts",
    "Gated",
    "HistoryAdmin",
    "HistoryInline",
    "PartInline",
    "PartTable",
    "ServiceModelAdmin",
    "actor_of",
    "at_path",
    "is_superuser",
    "kept_forms",
    "lasting",
    "link",
    "local",
    "local_span",
    "removed_rows",
    "tag",
    "utc",
]
