"""Django's addresses: the admin and the health endpoints. Public pages are answered before Django (wsgi.py)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
]

handler500 = "statusplatform.errors.server_error"
