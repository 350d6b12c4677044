"""Pages and what is on them."""

from apps.pages.admin.components import ComponentAdmin
from apps.pages.admin.corrections import CorrectionAdmin
from apps.pages.admin.pages import ComponentGroupAdmin, MetricAdmin, PageAdmin

__all__ = ["ComponentAdmin", "ComponentGroupAdmin", "CorrectionAdmin", "MetricAdmin", "PageAdmin"]
