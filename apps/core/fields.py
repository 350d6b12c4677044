"""Secrets at rest: text and JSON columns encrypted with Fernet."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from apps.core.keys import Cipher


def cipher() -> Cipher:
    """Return the cipher: the first key encrypts, every key decrypts."""
    return Cipher()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text column whose stored form is encrypted. It cannot be searched or compared."""

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "":
            return value
        return cipher().encrypt(str(value).encode()).decode("ascii")

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode("ascii")).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured(
                f"FIELD_ENCRYPTION_KEYS: no key opens {self.model._meta.label}.{self.name}"
            ) from error

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise TypeError(f"{self.name} is encrypted and cannot be used in a filter")


class EncryptedJSONField(EncryptedTextField):
    """A JSON value (usually a dict of text) whose stored form is encrypted text."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(json.dumps(value, ensure_ascii=False, sort_keys=True))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        plain = super().from_db_value(value, expression, connection)
        return json.loads(plain) if plain else {}

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) and value else value

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj))
