"""A `curl` command as a request: what people paste from documentation and from a browser's developer tools. Pure.

Nothing is run and no file is read. What a monitor cannot do (a proxy, a client certificate, a file's content) is refused by the
option's name; what means nothing to a monitor (`--silent`, `--compressed`) is left out and named in `notes`.
Options as curl's manual page has them (8.x).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote, unquote

from apps.monitors import shell_words
from apps.monitors.checkers.auth import with_query
from apps.monitors.checkers.spec import AuthSpec
from apps.monitors.confidential import is_secret_header
from apps.monitors.curl_options import FLAGS, IGNORED, REFUSED, SHORT, WITH_VALUE

MAX_COMMAND = 200_000

_FORM = "application/x-www-form-urlencoded"
_USERINFO = re.compile(r"(?<=://)([^/?#\s@]*)@")
# The platform writes these itself; a browser's Accept-Encoding may name what it cannot read.
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "accept-encoding", "connection"})


class CurlError(ValueError):
    """The command cannot become a request; the message is a sentence that names the option."""


@dataclass(frozen=True)
class CurlRequest:
    """What the command asks for. The last three are None where it says nothing of them.

    Credentials are in `auth`, not among the headers. `notes` are sentences about what was left out or changed.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: str | None = field(default=None, repr=False)
    is_json: bool = False
    auth: AuthSpec = field(default_factory=AuthSpec)
    timeout_s: float | None = None
    verify_tls: bool | None = None
    follow_redirects: bool | None = None
    notes: tuple[str, ...] = ()


def parse_curl(command: str) -> CurlRequest:
    """Read a command. CurlError says what cannot be read, or cannot be done."""
    if not command.strip():
        raise CurlError("Paste a command that begins with curl.")
    if len(command) > MAX_COMMAND:
        raise CurlError(f"The command is longer than {MAX_COMMAND:,} characters.")
    try:
        found = shell_words.split(command)
    except shell_words.Unreadable as error:
        raise CurlError(str(error)) from None
    words = found.words[1:] if found.words[:1] == ["$"] else found.words
    if not words or re.split(r"[/\\]", words[0])[-1].lower() not in ("curl", "curl.exe"):
        raise CurlError("Paste a command that begins with curl.")
    reading = _Reading()
    reading.read(words[1:])
    notes = list(reading.notes())
    if found.variables:
        names = ", ".join(f"{{{{{name}}}}}" for name in found.variables)
        notes.append(f"Shell variables became variables of the monitor: {names}. Set them there.")
    if found.rest:
        notes.append("What follows the command was left out.")
    return reading.request(tuple(notes))


class _Reading:
    """What the options said so far."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.method = ""
        self.headers: dict[str, tuple[str, str]] = {}
        self.data: list[str] = []
        self.json: list[str] = []
        self.query: list[str] = []
        self.user = ""
        self.bearer = ""
        self.is_get = False
        self.is_head = False
        self.verify_tls: bool | None = None
        self.follow_redirects: bool | None = None
        self.timeout_s: float | None = None
        self.ignored: list[str] = []

    def read(self, words: list[str]) -> None:
        waiting = iter(words)
        is_over = False
        for word in waiting:
            if is_over or not word.startswith("-") or word == "-":
                self.urls.append(word)
            elif word == "--":
                is_over = True
            elif word.startswith("--"):
                self._long(word[2:], waiting)
            else:
                self._short(word[1:], waiting)

    def _long(self, text: str, waiting: Iterator[str]) -> None:
        name, equals, value = text.partition("=")
        option = f"--{name}"
        if name in REFUSED:
            _refuse(option)
        if name in WITH_VALUE or IGNORED.get(name) == "value":
            self._apply(name, value if equals else self._next(option, waiting), option)
        elif name in FLAGS:
            self._apply(name, "", option)
        else:
            self.ignored.append(option)

    def _short(self, letters: str, waiting: Iterator[str]) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            name = SHORT.get(letter)
            if name is None:
                self.ignored.append(f"-{letter}")
            elif name in REFUSED:
                _refuse(f"-{letter} (--{name})")
            elif name in WITH_VALUE or IGNORED.get(name) == "value":
                self._apply(name, letters or self._next(f"-{letter}", waiting), f"-{letter}")
                return
            else:
                self._apply(name, "", f"-{letter}")

    @staticmethod
    def _next(option: str, waiting: Iterator[str]) -> str:
        value = next(waiting, None)
        if value is None:
            raise CurlError(f"{option} needs a value, and nothing follows it.")
        return value

    def _apply(self, name: str, value: str, option: str) -> None:
        if name in IGNORED:
            self.ignored.append(option)
            return
        apply: Callable[[str, str], None] = getattr(self, f"_do_{name.replace('-', '_')}")
        apply(value, option)

    # What each option does. Methods are named after curl's long options.

    def _do_url(self, value: str, _: str) -> None:
        self.urls.append(value)

    def _do_request(self, value: str, _: str) -> None:
        self.method = value

    def _do_header(self, value: str, option: str) -> None:
        if value.startswith("@"):
            raise CurlError(f"{option} {value}: files are not read. Paste the headers themselves.")
        if value.startswith(":"):
            return  # HTTP/2's own, which some browsers list.
        name, colon, text = value.partition(":")
        if not colon and name.endswith(";"):
            self._header(name[:-1], "")
        elif not colon:
            raise CurlError(f"{option} {value[:60]!r} is no header: write Name: value.")
        elif not text.strip():
            self.headers.pop(name.strip().lower(), None)
        else:
            self._header(name.strip(), text.strip())

    def _do_data(self, value: str, option: str) -> None:
        if value.startswith("@"):
            raise CurlError(f"{option} {value}: files are not read. Paste the content itself.")
        self.data.append(value)

    _do_data_ascii = _do_data
    _do_data_binary = _do_data

    def _do_data_raw(self, value: str, _: str) -> None:
        self.data.append(value)

    def _do_data_urlencode(self, value: str, option: str) -> None:
        self.data.append(_encoded(value, option))

    def _do_url_query(self, value: str, option: str) -> None:
        self.query.append(value[1:] if value.startswith("+") else _encoded(value, option))

    def _do_json(self, value: str, option: str) -> None:
        if value.startswith("@"):
            raise CurlError(f"{option} {value}: files are not read. Paste the content itself.")
        self.json.append(value)

    def _do_user(self, value: str, _: str) -> None:
        self.user = value

    def _do_oauth2_bearer(self, value: str, _: str) -> None:
        self.bearer = value

    def _do_basic(self, *_: str) -> None:
        """It is what `--user` means."""

    def _do_insecure(self, *_: str) -> None:
        self.verify_tls = False

    def _do_location(self, *_: str) -> None:
        self.follow_redirects = True

    def _do_get(self, *_: str) -> None:
        self.is_get = True

    def _do_head(self, *_: str) -> None:
        self.is_head = True

    def _do_max_time(self, value: str, option: str) -> None:
        try:
            self.timeout_s = float(value)
        except ValueError:
            raise CurlError(f"{option} {value}: write a number of seconds.") from None
        if not 0.1 <= self.timeout_s <= 900:
            raise CurlError(f"{option} {value}: a timeout is from 0.1 to 900 seconds.")

    def _do_user_agent(self, value: str, _: str) -> None:
        if value:
            self._header("User-Agent", value)

    def _do_referer(self, value: str, _: str) -> None:
        if referer := value.partition(";")[0]:
            self._header("Referer", referer)

    def _do_cookie(self, value: str, option: str) -> None:
        if "=" not in value:
            raise CurlError(
                f"{option} {value}: files are not read. Paste the cookies as name=value."
            )
        self._header("Cookie", value)

    def _header(self, name: str, value: str) -> None:
        before = self.headers.get(name.lower())
        if before is not None:
            mark = "; " if name.lower() == "cookie" else ", "
            name, value = before[0], f"{before[1]}{mark}{value}"
        self.headers[name.lower()] = (name, value)

    # The whole.

    def notes(self) -> list[str]:
        notes = []
        if self.ignored:
            names = ", ".join(dict.fromkeys(self.ignored))
            notes.append(f"Left out, because a monitor has no use for it: {names}.")
        return notes

    def request(self, notes: tuple[str, ...]) -> CurlRequest:
        if not self.urls:
            raise CurlError("The command has no URL.")
        if len(self.urls) > 1:
            raise CurlError(
                f"The command has {len(self.urls)} URLs ({self.urls[0][:60]}, {self.urls[1][:60]}): "
                "paste one request at a time, with the URL in quotes."
            )
        if self.data and self.json:
            raise CurlError("--json and --data are both there: a request has one body.")
        if self.json and self.is_get:
            raise CurlError("--json and --get do not go together.")
        url, userinfo = _without_user(_whole(self.urls[0]))
        body = "".join(self.json) if self.json else "&".join(self.data) if self.data else None
        query = [*self.query]
        if self.is_get and body is not None:
            query.append(body)
            body = None
        url = with_query(url, "&".join(query))
        if self.json:
            self.headers.setdefault("content-type", ("Content-Type", "application/json"))
            self.headers.setdefault("accept", ("Accept", "application/json"))
        elif body is not None:
            self.headers.setdefault("content-type", ("Content-Type", _FORM))
        is_json = body is not None and _is_json(self.headers.get("content-type"), body)
        if is_json and self.headers["content-type"][1].lower() == "application/json":
            # A JSON body is sent with it anyway.
            del self.headers["content-type"]
        auth = self._auth(userinfo)
        return CurlRequest(
            method=self.method or ("HEAD" if self.is_head else "GET" if body is None else "POST"),
            url=url,
            headers=tuple(pair for key, pair in self.headers.items() if key not in _OWN_HEADERS),
            body=body,
            is_json=is_json,
            auth=auth,
            timeout_s=self.timeout_s,
            verify_tls=self.verify_tls,
            follow_redirects=self.follow_redirects,
            notes=notes,
        )

    def _auth(self, userinfo: str) -> AuthSpec:
        """Return the credentials, taken out of the headers where they are written there."""
        if "authorization" in self.headers:
            name, value = self.headers.pop("authorization")
            scheme, _, rest = value.partition(" ")
            if scheme.lower() == "bearer" and rest.strip():
                return AuthSpec(type="bearer", token=rest.strip())
            if scheme.lower() == "basic" and (user := _decoded(rest.strip())) is not None:
                return _basic(user)
            return AuthSpec(type="api_key", key=name, value=value)
        if self.bearer:
            return AuthSpec(type="bearer", token=self.bearer)
        if self.user:
            return _basic(self.user)
        if userinfo:
            return _basic(unquote(userinfo))
        for key, (name, value) in self.headers.items():
            if is_secret_header(key) and key not in ("cookie", "proxy-authorization"):
                del self.headers[key]
                return AuthSpec(type="api_key", key=name, value=value)
        return AuthSpec()


def _refuse(option: str) -> NoReturn:
    name = option.partition("--")[2].rstrip(")")
    raise CurlError(f"{option}: {REFUSED[name]}")


def _encoded(value: str, option: str) -> str:
    """Return what `--data-urlencode` sends for `content`, `=content` or `name=content`."""
    name, mark, content = value.partition("=")
    if "@" in name:
        raise CurlError(f"{option} {value[:60]}: files are not read. Paste the content itself.")
    if not mark:
        return _quoted(value)
    return f"{name}={_quoted(content)}" if name else _quoted(content)


def _quoted(text: str) -> str:
    """Return the text percent-encoded, with variables of the monitor left as they are."""
    return "".join(
        part if part.startswith("{{") else quote(part, safe="")
        for part in re.split(r"(\{\{[^{}]+\}\})", text)
    )


def _whole(url: str) -> str:
    if url.startswith("{{") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
        return url
    return f"http://{url}"


def _without_user(url: str) -> tuple[str, str]:
    found = _USERINFO.search(url)
    return (url.replace(found[0], "", 1), found[1]) if found else (url, "")


def _basic(user: str) -> AuthSpec:
    name, _, password = user.partition(":")
    return AuthSpec(type="basic", username=name, password=password)


def _decoded(text: str) -> str | None:
    try:
        found = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return found if ":" in found else None


def _is_json(content_type: tuple[str, str] | None, body: str) -> bool:
    if content_type is None or "json" not in content_type[1].lower():
        return False
    try:
        json.dumps(json.loads(body), allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True
