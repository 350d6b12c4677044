"""Django's addresses: the admin and the API. Health and public pages are answered before (wsgi.py)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("apps.api.urls")),
]

handler500 = "statusplatform.errors.server_error"
