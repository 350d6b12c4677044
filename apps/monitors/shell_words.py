"""Split a pasted command into words, as bash or Windows' cmd would. Nothing is run, expanded or read. Pure.

bash: quotes, `$'…'` (ANSI-C), backslashes, continued lines. A shell variable (`$TOKEN`, `${TOKEN}`) becomes `{{TOKEN}}`.
cmd: carets, then the words of a Windows program (`\\"` and `""` inside quotes), as browsers' developer tools write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ESCAPES = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_NUMBERED = re.compile(r"x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})")


class Unreadable(ValueError):
    """The text is no command; the message is a sentence for whoever pasted it."""


@dataclass(slots=True)
class Words:
    """A command's words. `variables` are the shell's, `rest` is what stands behind the command (`| jq .`)."""

    words: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    rest: str = ""


def split(text: str) -> Words:
    """Return the words of the first command in the text. Unreadable says what is wrong with it."""
    text = text.strip()
    return _split_cmd(text) if _is_cmd(text) else _Bash(text).split()


def _is_cmd(text: str) -> bool:
    """Whether it was written for Windows' cmd: carets before quotes, or at the ends of lines."""
    return re.search(r'(^|\s)\^"|\s\^\s*$', text, re.MULTILINE) is not None


class _Bash:
    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.found = Words()
        self.word: list[str] | None = None

    def split(self) -> Words:
        while self.at < len(self.text):
            if self._end_of_command():
                self.found.rest = self.text[self.at :].strip()
                break
            self._step()
        self._close()
        return self.found

    def _end_of_command(self) -> bool:
        char = self.text[self.at]
        if char in "|;<>":
            return True
        if char == "&":
            # In an address that was pasted without quotes it is one more parameter.
            following = self.text[self.at + 1 : self.at + 2]
            return self.word is None or not following.strip() or following == "&"
        return char == "\n" and bool(self.found.words or self.word)

    def _step(self) -> None:
        char = self.text[self.at]
        if char.isspace():
            self._close()
            self.at += 1
        elif char == "\\":
            if self.text[self.at + 1 : self.at + 2] != "\n":
                self._add(self.text[self.at + 1 : self.at + 2])
            self.at += 2
        elif char == "'":
            self._add(self._until("'", self.at + 1))
        elif char == '"':
            self._double()
        elif char == "$":
            self._dollar(is_quoted=False)
        elif char == "`":
            raise Unreadable("Commands inside the command (`…`) are not run: write what they give.")
        else:
            self._add(char)
            self.at += 1

    def _double(self) -> None:
        self._add("")
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n"):
                following = self.text[self.at + 1]
                self._add("" if following == "\n" else following)
                self.at += 2
            elif char == "$":
                self._dollar(is_quoted=True)
            elif char == "`":
                raise Unreadable(
                    "Commands inside the command (`…`) are not run: write what they give."
                )
            else:
                self._add(char)
                self.at += 1
        raise Unreadable('A quotation mark (") is opened and not closed.')

    def _dollar(self, *, is_quoted: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "'" and not is_quoted:
            self._ansi()
        elif following == "(":
            raise Unreadable(
                "Commands inside the command, $(…), are not run: write what they give."
            )
        elif found := _BRACED.match(self.text, self.at + 1) or _NAME.match(self.text, self.at + 1):
            name = found[1] if found.re is _BRACED else found[0]
            if name not in self.found.variables:
                self.found.variables.append(name)
            self._add(f"{{{{{name}}}}}")
            self.at = found.end()
        else:
            self._add("$")
            self.at += 1

    def _ansi(self) -> None:
        self._add("")
        self.at += 2
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "'":
                self.at += 1
                return
            if char != "\\":
                self._add(char)
                self.at += 1
                continue
            numbered = _NUMBERED.match(self.text, self.at + 1)
            if numbered:
                digits = next(part for part in numbered.groups() if part)
                code = int(digits, 8 if numbered[4] else 16)
                if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                    raise Unreadable(f"\\{numbered[0]} is no character.")
                self._add(chr(code))
                self.at = numbered.end()
            else:
                following = self.text[self.at + 1 : self.at + 2]
                self._add(_ESCAPES.get(following, f"\\{following}"))
                self.at += 2
        raise Unreadable("A quotation mark ($') is opened and not closed.")

    def _until(self, end: str, start: int) -> str:
        stop = self.text.find(end, start)
        if stop < 0:
            raise Unreadable(f"A quotation mark ({end}) is opened and not closed.")
        self.at = stop + 1
        return self.text[start:stop]

    def _add(self, text: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(text)

    def _close(self) -> None:
        if self.word is not None:
            self.found.words.append("".join(self.word))
            self.word = None


def _split_cmd(text: str) -> Words:
    return Words(words=_windows_words(_without_carets(text)))


def _without_carets(text: str) -> str:
    """Return the line that cmd makes: outside quotes a caret takes the next character's meaning away."""
    found: list[str] = []
    text = text.replace("\r\n", "\n")
    is_quoted = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == "^" and not is_quoted:
            at += 1
            # At a line's end it joins the next line, whose first character it protects.
            if text[at : at + 1] == "\n":
                at += 1
            found.append(text[at : at + 1])
        else:
            is_quoted ^= char == '"'
            found.append(char)
        at += 1
    return "".join(found)


def _windows_words(line: str) -> list[str]:
    """Split as the C runtime does: backslashes count before a quotation mark only."""
    words: list[str] = []
    word: list[str] | None = None
    is_quoted = False
    at = 0
    while at < len(line):
        char = line[at]
        if char == "\\":
            run = len(line) - at - len(line[at:].lstrip("\\"))
            before_quote = line[at + run : at + run + 1] == '"'
            word = [] if word is None else word
            if before_quote:
                word.append("\\" * (run // 2))
                if run % 2:
                    word.append('"')
                    at += 1
            else:
                word.append("\\" * run)
            at += run
            continue
        if char == '"':
            word = [] if word is None else word
            if is_quoted and line[at + 1 : at + 2] == '"':
                word.append('"')
                at += 1
            else:
                is_quoted = not is_quoted
        elif char.isspace() and not is_quoted:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [] if word is None else word
            word.append(char)
        at += 1
    if is_quoted:
        raise Unreadable('A quotation mark (") is opened and not closed.')
    if word is not None:
        words.append("".join(word))
    return words
