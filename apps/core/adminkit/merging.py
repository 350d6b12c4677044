"""Three-way merge of a form: what it showed, what stands now, what the person sends.

Fields that the person left alone take the others' values. A field that both changed, to different values, is a
clash: the person's value stays in the form, and is saved only when they say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.adminkit.shown_state import (
    NOTHING,
    SECRETS,
    Shown,
    Values,
    compared,
    is_changed,
    label_of,
    posted_words,
    put,
    rendered,
    saved_forms,
    secret_fields,
    words,
)
from apps.core.audit import HIDDEN


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that somebody else changed, in words. `row` names the part it is in, if any."""

    row: str
    label: str
    was: str
    now: str
    yours: str = ""
    is_clash: bool = False
    # Where it is: formset, key, field.
    place: tuple[str, str, str] = ("", "", "")

    def as_plain(self) -> Values:
        """Return it for the form's token."""
        return {
            "row": self.row,
            "label": self.label,
            "was": self.was,
            "now": self.now,
            "place": list(self.place),
        }


@dataclass(frozen=True, slots=True)
class Merge:
    """What others changed meanwhile, and the posted data with their values where the person left them alone."""

    differences: tuple[Difference, ...]
    data: Any
    # Whether what was sent says the same as what stands.
    is_saved_already: bool


def merge(*, was: Shown, now: Shown, form: Any, formsets: Sequence[Any], posted: Any) -> Merge:
    """Merge the posted data into the present form and formsets, neither of which was sent."""
    data = posted.copy()
    found = list(_merge_row(form, was.fields, now.fields, posted, data, ("", "")))
    is_same = _says_same(form, "", now.fields, posted)
    for formset in formsets:
        part = _Part(formset, was.parts.get(formset.prefix, {}), now.parts[formset.prefix], posted)
        found += part.merge_into(data)
        is_same = is_same and part.is_same
    return Merge(tuple(found), data, is_same)


def still_clashing(
    clashes: Sequence[Values], form: Any, formsets: Sequence[Any], now: Shown, posted: Any
) -> list[Difference]:
    """Return those of the clashes explained before where the posted value is still another than the present one."""
    found = []
    for clash in clashes:
        prefix, key, name = clash["place"]
        texts = {one: clash[one] for one in ("row", "label", "was", "now")}
        place = (prefix, key, name)
        if not prefix:
            here, html, values = form, name, now.fields
        else:
            formset = next((one for one in formsets if one.prefix == prefix), None)
            here = formset and _form_of(formset, key)
            index = formset and _indexes(formset, posted).get(key)
            if here is None or index is None or key not in now.parts[prefix]:
                continue
            if name == "DELETE":
                if posted.get(f"{prefix}-{index}-DELETE"):
                    found.append(Difference(**texts, yours="Removed", is_clash=True, place=place))
                continue
            html, values = f"{prefix}-{index}-{name}", now.parts[prefix][key]
        if name == SECRETS:
            found.append(Difference(**texts, yours=HIDDEN, is_clash=True, place=place))
        elif name in values and is_changed(here, name, html, values[name], posted):
            yours = posted_words(here, name, html, posted)
            found.append(Difference(**texts, yours=yours, is_clash=True, place=place))
    return found


def _merge_row(
    form: Any,
    was: Values,
    now: Values,
    posted: Any,
    data: Any,
    place: tuple[str, str],
    *,
    html_prefix: str = "",
    out_prefix: str = "",
) -> Iterator[Difference]:
    """Put the others' values of one row into `data`; give what they changed."""
    row = str(form.instance) if place[0] else ""
    count = 0
    for name in compared(form):
        before, present = was.get(name), now.get(name)
        if before == present or name not in was:
            continue
        html = f"{html_prefix}{name}"
        texts: dict[str, Any] = {
            "row": row,
            "label": label_of(form, name),
            "was": words(form.fields[name], before),
            "now": words(form.fields[name], present),
            "place": (*place, name),
        }
        if not is_changed(form, name, html, before, posted):
            put(data, form.fields[name], f"{out_prefix}{name}", form[name].initial)
            count += 1
            yield Difference(**texts)
        elif is_changed(form, name, html, present, posted):
            count += 1
            yours = posted_words(form, name, html, posted)
            yield Difference(**texts, yours=yours, is_clash=True)
    if was.get(SECRETS) != now.get(SECRETS):
        typed = any(_is_secret_posted(name, html_prefix, posted) for name in secret_fields(form))
        if typed or not count:
            yield Difference(
                row=row,
                label="Secrets",
                was=HIDDEN,
                now=f"{HIDDEN} (changed)",
                yours=HIDDEN if typed else "",
                is_clash=typed,
                place=(*place, SECRETS),
            )


def _is_secret_posted(name: str, prefix: str, posted: Any) -> bool:
    html = f"{prefix}{name}"
    return any(posted.get(one) for one in (html, f"{html}-clear", f"{html}-remove"))


def _says_same(form: Any, html_prefix: str, now: Values, posted: Any) -> bool:
    """Tell whether what was posted for a row is what stands."""
    if any(_is_secret_posted(name, html_prefix, posted) for name in secret_fields(form)):
        return False
    return not any(
        is_changed(form, name, f"{html_prefix}{name}", now.get(name), posted)
        for name in compared(form)
    )


def _indexes(formset: Any, posted: Any) -> dict[str, int]:
    """Return {key: number} of the saved rows in what was posted."""
    name = formset.model._meta.pk.name
    found = {}
    for index in range(_count(posted.get(f"{formset.prefix}-TOTAL_FORMS"))):
        key = posted.get(f"{formset.prefix}-{index}-{name}")
        if key:
            found[str(key)] = index
    return found


def _count(text: Any) -> int:
    return min(int(text), 10_000) if str(text).isascii() and str(text).isdigit() else 0


def _form_of(formset: Any, key: str) -> Any:
    return next((one for one in saved_forms(formset) if str(one.instance.pk) == key), None)


class _Part:
    """The rows of one formset: matched by key, merged field by field."""

    def __init__(
        self, formset: Any, was: dict[str, Values], now: dict[str, Values], posted: Any
    ) -> None:
        self.formset, self.was, self.now, self.posted = formset, was, now, posted
        self.prefix: str = formset.prefix
        self.forms = {str(one.instance.pk): one for one in saved_forms(formset)}
        self.sent = _indexes(formset, posted)
        total = _count(posted.get(f"{self.prefix}-TOTAL_FORMS"))
        known = set(self.sent.values())
        blank = formset.empty_form
        # Rows that the person adds; the browser also sends those it left empty.
        self.added = [
            index
            for index in range(total)
            if index not in known
            and not self._is_marked(index)
            and any(
                is_changed(
                    blank, name, f"{self.prefix}-{index}-{name}", _blank(blank, name), posted
                )
                for name in compared(blank)
            )
        ]
        self.gone = [key for key in self.sent if key not in self.forms]
        self.is_same = self._is_same()

    def _is_marked(self, index: int) -> bool:
        return bool(self.posted.get(f"{self.prefix}-{index}-DELETE"))

    def _is_same(self) -> bool:
        """Tell whether the rows sent and those that stand say the same, keys aside: a save that is sent twice."""
        if any(self._is_marked(index) and key in self.forms for key, index in self.sent.items()):
            return False
        kept = [(key, index) for key, index in self.sent.items() if not self._is_marked(index)]
        if any(key not in self.forms for key, _ in kept):
            return False
        rest = [key for key in self.forms if key not in self.sent]
        pairs = [*kept, *zip(rest, self.added, strict=False)]
        return len(rest) == len(self.added) and all(
            _says_same(
                self.forms[key], f"{self.prefix}-{index}-", self._present(key, index), self.posted
            )
            for key, index in pairs
        )

    def _present(self, key: str, index: int) -> Values:
        """Return the row's values; a place that was left open was given out when it was saved."""
        values = dict(self.now[key])
        for name in values:
            html = f"{self.prefix}-{index}-{name}"
            if key not in self.sent and name in _PLACES and not self.posted.get(html):
                values[name] = None
        return values

    def merge_into(self, data: Any) -> list[Difference]:
        """Write the merged rows into `data`; return what others changed in them."""
        if self.was == self.now:
            return []
        own = re.compile(rf"{re.escape(self.prefix)}-(\d+)-(?!\d)")
        for name in [name for name in data if own.match(name)]:
            del data[name]
        found: list[Difference] = []
        number = 0
        for key, index in self.sent.items():
            if key in self.forms:
                self._copy(data, index, number)
                found += self._merged(key, index, number, data)
                number += 1
            elif key in self.was:
                found.append(self._lost(key, index))
        for key, form in self.forms.items():
            if key not in self.sent:
                self._fill(data, form, number)
                number += 1
                name = str(form.instance)
                found.append(Difference(row=name, label="Row", was=NOTHING, now="Added"))
        data[f"{self.prefix}-INITIAL_FORMS"] = str(number)
        for index in self.added:
            self._copy(data, index, number)
            number += 1
        data[f"{self.prefix}-TOTAL_FORMS"] = str(number)
        return found

    def _merged(self, key: str, index: int, number: int, data: Any) -> list[Difference]:
        form = self.forms[key]
        found = list(
            _merge_row(
                form,
                self.was.get(key, {}),
                self.now[key],
                self.posted,
                data,
                (self.prefix, key),
                html_prefix=f"{self.prefix}-{index}-",
                out_prefix=f"{self.prefix}-{number}-",
            )
        )
        if found and self._is_marked(index):
            first = found[0]
            place = (self.prefix, key, "DELETE")
            return [
                Difference(first.row, first.label, first.was, first.now, "Removed", True, place)
            ]
        return found

    def _lost(self, key: str, index: int) -> Difference:
        """Tell of a row that others took away, with what the person wanted in it."""
        blank, values = self.formset.empty_form, self.was[key]
        html = f"{self.prefix}-{index}-"
        yours = [
            f"{label_of(blank, name)}: {posted_words(blank, name, html + name, self.posted)}"
            for name in compared(blank)
            if name in values and is_changed(blank, name, html + name, values[name], self.posted)
        ]
        row = self.formset.model._base_manager.filter(pk=key).first()
        return Difference(
            row=str(row) if row is not None else "A row",
            label="Row",
            was="There",
            now="Removed",
            yours="; ".join(yours),
        )

    def _copy(self, data: Any, index: int, number: int) -> None:
        start = f"{self.prefix}-{index}-"
        for name in self.posted:
            if name.startswith(start):
                data.setlist(
                    f"{self.prefix}-{number}-{name[len(start) :]}", self.posted.getlist(name)
                )

    def _fill(self, data: Any, form: Any, number: int) -> None:
        """Write a row as a browser would send it that shows it."""
        for name in form.fields:
            if name not in {"DELETE", *secret_fields(form)}:
                put(data, form.fields[name], f"{self.prefix}-{number}-{name}", form[name].initial)


_PLACES = {"position"}


def _blank(form: Any, name: str) -> Any:
    texts = rendered(form.fields[name], form[name].initial)
    if len(texts) == 1:
        return texts[0]
    return texts or None
