from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.pages.models import Page
from apps.publishing.snapshot import read_snapshot
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def in_another_connection(work: object) -> None:
    def run() -> None:
        try:
            work()  # type: ignore[operator]
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=5)
    assert not thread.is_alive(), "the other connection waits for the snapshot"


def test_all_queries_see_one_instant_and_others_may_write_meanwhile():
    page = make.PageFactory(name="Before")

    with read_snapshot():
        before = Page.objects.get(pk=page.pk).name
        in_another_connection(lambda: Page.objects.filter(pk=page.pk).update(name="After"))
        during = Page.objects.get(pk=page.pk).name
    after = Page.objects.get(pk=page.pk).name

    assert (before, during, after) == ("Before", "Before", "After")


def test_the_connection_is_good_after_an_error_inside():
    def fail_inside() -> None:
        with read_snapshot():
            Page.objects.count()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()

    make.PageFactory()
    assert Page.objects.count() == 1
