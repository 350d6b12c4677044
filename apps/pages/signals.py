"""What pages tell the apps above. Sent by services, inside the transaction that made it true."""

from django.dispatch import Signal

# page_ids: set[int] whose public content changed, at: datetime. A point of a metric does not send it.
pages_changed = Signal()

# components: list[Component] whose derived status changed, with .status already new,
# before: dict[int, str] component id -> status before, actor: Actor, at: datetime
statuses_changed = Signal()

# pages / components / metrics: list of rows created, renamed, moved or archived, at: datetime
catalogue_changed = Signal()
