"""Pages and what is on them."""

from apps.pages.admin.components import ComponentAdmin
from apps.pages.admin.pages import ComponentGroupAdmin, MetricAdmin, PageAdmin

__all__ = ["ComponentAdmin", "ComponentGroupAdmin", "MetricAdmin", "PageAdmin"]
