"""The feeds' contract as a strict check, written from tests/contracts/statuspage-public-v2.md, section 4.

The structure is read by the standard library's XML parser, the meaning by feedparser, as feed readers do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import feedparser

from tests.contracts.statuspage_public import demand

ATOM = "{http://www.w3.org/2005/Atom}"
XML = "{http://www.w3.org/XML/1998/namespace}"
LABELS = {
    "Investigating", "Identified", "Monitoring", "Resolved", "Scheduled", "In progress", "Verifying", "Completed",
    "Postmortem", "Update",
}  # fmt: skip
MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
ZONE = r"(?:[A-Z]{2,5}|UTC[+-]\d\d:\d\d)"
HEAD = re.compile(
    rf"<p><small>(?:{MONTHS}) <var data-var='date'>[ \d]\d</var>, <var data-var='time'>\d\d:\d\d</var> {ZONE}"
    r"</small><br><strong>([A-Z][a-z ]+)</strong> - "
)
EVENT = re.compile(
    rf"<p><strong>THIS IS A SCHEDULED EVENT (?:{MONTHS}) [ \d]\d, \d\d:\d\d - (?:(?:{MONTHS}) [ \d]\d, )?\d\d:\d\d {ZONE}</strong></p>"
)
RFC_822 = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


def check(files: Mapping[str, bytes], page: Mapping[str, Any]) -> None:
    """Raise Breach unless both feeds keep the contract and tell the same; `page` is the JSON documents' page object."""
    atom, rss = files["history.atom"], files["history.rss"]
    entries = _check_atom(atom, page)
    items = _check_rss(rss, page)
    demand(len(entries) == len(items) <= 25, "feeds", (len(entries), len(items)))
    for entry, item in zip(entries, items, strict=True):
        for key in ("title", "link", "html"):
            demand(entry[key] == item[key], f"feeds {key}", (entry[key], item[key]))
        is_maintenance = item["ends"] is not None
        demand(bool(EVENT.match(entry["html"])) == is_maintenance, "event", entry)
        if item["starts"] != entry["published"]:
            # Only an upcoming maintenance is dated by its start.
            demand(is_maintenance and item["starts"] <= item["ends"], "pubDate", (item, entry))
    for content, version in ((atom, "atom10"), (rss, "rss20")):
        _check_reading(content, version, page, entries)


def _text(element: ElementTree.Element | None) -> str:
    demand(element is not None, "feed", "an element is missing")
    assert element is not None
    return element.text or ""


def _tags(element: ElementTree.Element) -> list[str]:
    return [child.tag.removeprefix(ATOM) for child in element]


def _check_atom(content: bytes, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    root = ElementTree.fromstring(content)
    address = urlsplit(page["url"])
    demand(root.tag == f"{ATOM}feed", "feed", root.tag)
    demand(root.get(f"{XML}lang") == "en-US", "feed lang", root.attrib)
    head = ["id", "link", "link", "title", "updated", "author"]
    demand(_tags(root)[:6] == head, "feed", _tags(root)[:7])
    demand(set(_tags(root)[6:]) <= {"entry"}, "feed", _tags(root))
    feed_id = f"tag:{address.hostname},2005:{address.path}/history"
    demand(_text(root[0]) == feed_id, "id", _text(root[0]))
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    expected = {"alternate": page["url"], "self": f"{page['url']}/history.atom"}
    demand(links == expected, "link", links)
    title = _text(root.find(f"{ATOM}title"))
    demand(title.endswith(" Status - Incident History"), "title", title)
    _atom_time(_text(root.find(f"{ATOM}updated")), page)
    demand(_tags(root[5]) == ["name"], "author", _tags(root[5]))
    found = []
    for entry in root.findall(f"{ATOM}entry"):
        keys = ["id", "published", "updated", "link", "title", "content"]
        demand(_tags(entry) == keys, "entry", _tags(entry))
        number = rf"tag:{re.escape(str(address.hostname))},2005:Incident/\d+"
        demand(re.fullmatch(number, _text(entry[0])) is not None, "entry id", _text(entry[0]))
        link = entry[3]
        demand(link.get("rel") == "alternate", "entry link", link.attrib)
        path = rf"{re.escape(page['url'])}/incidents/[0-9bcdfghjklmnpqrstvwxyz]{{12}}"
        demand(re.fullmatch(path, link.get("href") or "") is not None, "entry link", link.attrib)
        demand(entry[5].get("type") == "html", "content", entry[5].attrib)
        _check_html(_text(entry[5]))
        found.append(
            {
                "id": _text(entry[0]),
                "published": _atom_time(_text(entry[1]), page),
                "updated": _atom_time(_text(entry[2]), page),
                "link": link.get("href"),
                "title": _text(entry[4]),
                "html": _text(entry[5]),
            }
        )
    published = [one["published"] for one in found]
    demand(published == sorted(published, reverse=True), "entries", "not newest first")
    ids = [one["id"] for one in found]
    demand(len(set(ids)) == len(ids), "entry ids", ids)
    return found


def _check_rss(content: bytes, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    demand(b'xmlns:dc="http://purl.org/dc/elements/1.1/"' in content, "rss", "dc is not declared")
    root = ElementTree.fromstring(content)
    demand((root.tag, root.get("version")) == ("rss", "2.0"), "rss", root.attrib)
    demand(_tags(root) == ["channel"], "rss", _tags(root))
    channel = root[0]
    demand(
        _tags(channel)[:4] == ["title", "link", "description", "pubDate"], "channel", _tags(channel)
    )
    demand(set(_tags(channel)[4:]) <= {"item"}, "channel", _tags(channel))
    demand(_text(channel[1]) == page["url"], "channel link", _text(channel[1]))
    demand(_text(channel[2]) == "Statuspage", "channel description", _text(channel[2]))
    _rss_time(_text(channel[3]), page)
    found = []
    for item in channel.findall("item"):
        keys = _tags(item)
        plain = ["title", "description", "pubDate", "link", "guid"]
        demand([key for key in keys if key != "maintenanceEndDate"] == plain, "item", keys)
        ends = item.find("maintenanceEndDate")
        demand(ends is None or keys.index("maintenanceEndDate") == 3, "item", keys)
        link = _text(item.find("link"))
        demand(_text(item.find("guid")) == link, "guid", link)
        found.append(
            {
                "title": _text(item.find("title")),
                "html": _text(item.find("description")),
                "starts": _rss_time(_text(item.find("pubDate")), page),
                "ends": _rss_time(_text(ends), page) if ends is not None else None,
                "link": link,
            }
        )
    return found


def _check_html(html: str) -> None:
    """Demand a head with a known label for each update, as readers split it."""
    rest = EVENT.sub("", html, count=1)
    labels = HEAD.findall(rest)
    demand(HEAD.match(rest) is not None, "content", html[:300])
    demand(set(labels) <= LABELS, "label", labels)
    demand(rest.count("<var data-var='date'>") == len(labels), "content", html[:300])
    demand(labels[-1] != "Update", "label", "the first update repeats nothing")


def _check_reading(
    content: bytes, version: str, page: Mapping[str, Any], entries: list[dict[str, Any]]
) -> None:
    """Demand that a feed reader finds nothing to complain of, and the same entries."""
    read = feedparser.parse(content, sanitize_html=False)
    demand(not read.bozo, "feedparser", getattr(read, "bozo_exception", None))
    demand(read.version == version, "feedparser", read.version)
    demand(read.feed.link == page["url"], "feedparser", read.feed.link)
    demand(
        [one.link for one in read.entries] == [one["link"] for one in entries], "feedparser", read
    )
    demand(all(one.get("published_parsed") for one in read.entries), "feedparser", "a date")


def _atom_time(value: str, page: Mapping[str, Any]) -> datetime:
    at = datetime.fromisoformat(value)
    demand(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", value) is not None,
        "time",
        value,
    )
    _check_zone(at, value, page)
    return at


def _rss_time(value: str, page: Mapping[str, Any]) -> datetime:
    demand(RFC_822.fullmatch(value) is not None, "time", value)
    at = parsedate_to_datetime(value)
    demand(not value.endswith("-0000"), "time", value)
    _check_zone(at, value, page)
    return at


def _check_zone(at: datetime, value: str, page: Mapping[str, Any]) -> None:
    local = at.astimezone(ZoneInfo(page["time_zone"]))
    demand(at.utcoffset() == local.utcoffset(), "time zone", value)
