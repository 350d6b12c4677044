"""Pages and what is on them."""

from apps.pages.admin.components import ComponentAdmin
from apps.pages.admin.corrections import CorrectionAdmin
from apps.pages.admin.pages import PageAdmin
from apps.pages.admin.part_admins import ComponentGroupAdmin, MetricAdmin

__all__ = ["ComponentAdmin", "ComponentGroupAdmin", "CorrectionAdmin", "MetricAdmin", "PageAdmin"]
