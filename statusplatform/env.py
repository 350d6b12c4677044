"""Read the environment once, with a clear error that names the variable.

Every variable is optional. A secret `NAME` may also come from a file named by `NAME_FILE`.
The README's table lists every name declared here; a test compares the two.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE_SCHEMES = {"postgres", "postgresql", "sqlite"}
BROKER_SCHEMES = {"redis", "rediss", "amqp", "amqps", "filesystem"}

_env = environ.Env()


def _raw(name: str, default: str = "") -> str:
    """Return the variable, or the stripped content of the file that NAME_FILE names."""
    value = os.environ.get(name, "")
    path = os.environ.get(f"{name}_FILE", "")
    if value or not path:
        return value or default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}") from error


def _parsed(name: str, parse: Callable[[str], Any], expected: str, default: str = "") -> Any:
    raw = _raw(name, default)
    try:
        return parse(raw)
    except (ValueError, ImproperlyConfigured, KeyError) as error:
        raise ImproperlyConfigured(f"{name}: expected {expected}, not {raw!r}") from error


def text(name: str, default: str = "") -> str:
    """Return a text value."""
    return _raw(name, default)


def boolean(name: str, *, default: bool) -> bool:
    """Return true for 1/true/yes/on and false for 0/false/no/off."""
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    return bool(
        _parsed(name, lambda raw: words[raw.lower()], "true or false", str(default).lower())
    )


def integer(name: str, *, default: int, at_least: int = 0, at_most: int | None = None) -> int:
    """Return a whole number that is not below `at_least`, nor above `at_most`."""

    def parse(raw: str) -> int:
        value = int(raw)
        if value < at_least or (at_most is not None and value > at_most):
            raise ValueError(raw)
        return value

    bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
    return int(_parsed(name, parse, f"a whole number {bounds}", str(default)))


def words(name: str, default: str = "") -> list[str]:
    """Return the comma-separated parts."""
    return [part.strip() for part in _raw(name, default).split(",") if part.strip()]


def data_dir() -> Path:
    """Return the folder that holds what this installation writes (DATA_DIR, default ./data)."""
    return Path(_raw("DATA_DIR", str(BASE_DIR / "data"))).expanduser().resolve()


def published_dir() -> Path:
    """Return the folder of published pages (PUBLISHED_DIR, default: in the data folder)."""
    return Path(_raw("PUBLISHED_DIR", str(data_dir() / "published"))).resolve()


def generated(name: str, make: Callable[[], str]) -> str:
    """Return the variable, or a key kept in the data folder (mode 600), made when it is missing."""
    value = _raw(name)
    if value:
        return value
    path = data_dir() / "keys" / name.lower()
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Two processes may start at once: whoever links first decides, the other reads.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    temporary.touch(mode=0o600)
    temporary.write_text(make(), encoding="ascii")
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text(encoding="ascii").strip()


def secret_key() -> str:
    """Return Django's signing key."""
    return generated("SECRET_KEY", lambda: secrets.token_urlsafe(48))


def field_encryption_keys() -> list[str]:
    """Return the Fernet keys, the first of which encrypts (FIELD_ENCRYPTION_KEYS).

    They are made and checked by hand: beat reads the settings too and has no use for the library.
    """
    raw = generated(
        "FIELD_ENCRYPTION_KEYS",
        lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    )
    keys = [part.strip() for part in raw.split(",") if part.strip()]
    if not keys or not all(_is_fernet_key(key) for key in keys):
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS: expected comma-separated keys of 32 bytes in URL-safe base64"
        )
    return keys


def field_encryption_keys_file() -> Path | None:
    """Return the file that the keys are read from, which may change while a process runs; None for a variable."""
    if os.environ.get("FIELD_ENCRYPTION_KEYS"):
        return None
    given = os.environ.get("FIELD_ENCRYPTION_KEYS_FILE", "")
    return Path(given) if given else generated_keys_file()


def generated_keys_file() -> Path:
    """Return the file in the data folder where the keys are kept that nobody gave."""
    return data_dir() / "keys" / "field_encryption_keys"


def _is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == 32
    except ValueError:
        return False


def database() -> dict[str, Any]:
    """Return Django's database settings for DATABASE_URL (default: SQLite in the data folder)."""

    def parse(raw: str) -> dict[str, Any]:
        if urlsplit(raw).scheme not in DATABASE_SCHEMES:
            raise ValueError(raw)
        return dict(_env.db_url_config(raw))

    raw = _raw("DATABASE_URL")
    if raw and urlsplit(raw).scheme not in DATABASE_SCHEMES:
        # The address may hold a password: name its form only.
        raise ImproperlyConfigured("DATABASE_URL: expected postgres://… or sqlite:///…")
    config = dict(
        _parsed(
            "DATABASE_URL",
            parse,
            "postgres://… or sqlite:///…",
            f"sqlite:///{data_dir() / 'db.sqlite3'}",
        )
    )
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        config.setdefault("OPTIONS", {})
        # Threads that wait for an answer notice that the network or the other host is gone.
        config["OPTIONS"] |= {
            "connect_timeout": 3,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }
        config["CONN_HEALTH_CHECKS"] = True
    # Closing the last connection to SQLite writes its whole log back: keep it, as on PostgreSQL.
    config["CONN_MAX_AGE"] = 60
    return config


def broker_url() -> str:
    """Return CELERY_BROKER_URL; `filesystem://` (the data folder) is the embedded default."""
    raw = _raw("CELERY_BROKER_URL", "filesystem://")
    if urlsplit(raw).scheme not in BROKER_SCHEMES:
        raise ImproperlyConfigured("CELERY_BROKER_URL: expected redis://…, amqp://… or nothing")
    return raw


def public_url() -> str:
    """Return this installation's own address: PUBLIC_URL, else what `up` recorded."""
    raw = _raw("PUBLIC_URL")
    recorded = data_dir() / "address"
    if not raw and recorded.is_file():
        raw = recorded.read_text(encoding="utf-8").strip()
    raw = (raw or "http://localhost:8000").rstrip("/")
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ImproperlyConfigured(f"PUBLIC_URL: expected http(s)://host[:port], not {raw!r}")
    return raw


def networks(name: str) -> list[str]:
    """Return comma-separated networks (CIDR) or addresses, checked."""
    parts = words(name)
    for part in parts:
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}: expected networks like 10.0.0.0/8, not {part!r}"
            ) from error
    return parts


def email() -> dict[str, Any]:
    """Return Django's e-mail settings for EMAIL_URL (default: printed to the console)."""
    return dict(
        _parsed(
            "EMAIL_URL",
            lambda raw: _env.email_url_config(raw),
            "smtp://user:password@host:port or consolemail://",
            "consolemail://",
        )
    )
