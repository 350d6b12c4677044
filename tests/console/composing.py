"""Fill in the console's screens of posts as a browser would."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.console.forms import values_of


def shown(client: Client, url: str) -> dict[str, Any]:
    """Return what a browser would send of the screen if nothing were changed on it."""
    response = client.get(url)
    assert response.status_code == 200, response
    return values_of(response.context["form"])


def write(client: Client, url: str, *, do: str = "post", **changes: Any) -> Any:
    """Open the screen, change some inputs and press a button."""
    return client.post(url, {**shown(client, url), **changes, "do": do})


def mistakes(response: Any) -> dict[str, list[str]]:
    """Return {input: messages} of a screen that came back ("" : above the form)."""
    assert response.status_code == 409, response
    form = response.context["form"]
    return {
        "" if name == "__all__" else name: [str(text) for text in texts]
        for name, texts in form.errors.items()
    }
