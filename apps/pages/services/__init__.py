"""Every change of pages and what is on them."""

from apps.pages.contributions import ContributionChange, Word
from apps.pages.services.aggregates import count_points, prune_metrics
from apps.pages.services.announcing import touch_pages
from apps.pages.services.arranging import Placed, arrange_page
from apps.pages.services.components import archive_component, create_component, update_component
from apps.pages.services.corrections import (
    correct_period,
    refuse_unfit_stretch,
    revoke_correction,
)
from apps.pages.services.days import close_days
from apps.pages.services.groups import archive_group, create_group, update_group
from apps.pages.services.levels import reorder
from apps.pages.services.measurements import Gap, Point, record_gaps, write_points
from apps.pages.services.members import set_page_members
from apps.pages.services.metrics import archive_metric, create_metric, update_metric
from apps.pages.services.pages import archive_page, create_page, update_page
from apps.pages.services.statuses import apply_contributions, set_staff_status

__all__ = [
    "ContributionChange",
    "Gap",
    "Placed",
    "Point",
    "Word",
    "apply_contributions",
    "archive_component",
    "archive_group",
    "archive_metric",
    "archive_page",
    "arrange_page",
    "close_days",
    "correct_period",
    "count_points",
    "create_component",
    "create_group",
    "create_metric",
    "create_page",
    "prune_metrics",
    "record_gaps",
    "refuse_unfit_stretch",
    "reorder",
    "revoke_correction",
    "set_page_members",
    "set_staff_status",
    "touch_pages",
    "update_component",
    "update_group",
    "update_metric",
    "update_page",
    "write_points",
]
