"""The factories themselves: each makes a whole row."""

from __future__ import annotations

import inspect

import pytest

from tests import factories


def every_factory():
    return [
        value
        for value in vars(factories).values()
        if inspect.isclass(value)
        and issubclass(value, factories.RowFactory)
        and not value._meta.abstract
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("made_by", every_factory(), ids=lambda value: value.__name__)
def test_each_factory_makes_a_row_of_its_model(made_by):
    row = made_by()

    assert type(row).objects.filter(pk=row.pk).exists()
