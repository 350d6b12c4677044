"""The AdminSite."""

from __future__ import annotations

from apps.core.unfold import AdminSite


class ConsoleSite(AdminSite):
    """Where staff configure everything."""

    site_header = site_title = "Status platform"
    index_title = "Overview"
