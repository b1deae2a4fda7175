"""Secrets and personal data out of a record before it is stored: the database's log and its backups keep what was once
written.

A detector finds spans of text and names their class; a class counts its tokens of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from traintui.audit.nearby import unescaped
from traintui.audit.personal import find_personal
from traintui.audit.secret_names import kind_of, may_hold
from traintui.audit.secrets import NUMBER_OF_JSON, Finding, find_secrets

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Redacted(Generic[_T]):
    """A value without what was found in it, and how often each kind was; nothing of what was found is kept."""

    value: _T
    counts: dict[str, int]


class Tokens:
    """The tokens given out in one record, whose parts may come at different times: first a request, then its reply.

    It knows what was found, so it is kept no longer than the record is being made.
    """

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], str] = {}
        self._given = Counter[str]()

    def of(self, label: str, identity: str) -> str:
        """The token that stands for this thing in the record."""
        known = (label, identity)
        if known not in self._tokens:
            self._given[label] += 1
            self._tokens[known] = f"[{label} {self._given[label]}]"
        return self._tokens[known]


def redact(value: JSON, tokens: Tokens | None = None) -> Redacted[JSON]:
    """Return a copy of a record with tokens like `[secret 1]` or `[e-mail 1]`, in keys and in values.

    The same thing has the same token within one call, and within all calls that are given the same `tokens`.
    """
    record = _Part(tokens or Tokens())
    top: list[Any] = [None]
    # Not recursive: a provider's answer may nest deeper than Python's stack.
    waiting: list[tuple[Any, Any, Any, str]] = [(value, top, 0, "")]
    while waiting:
        source, target, place, field = waiting.pop()
        if isinstance(source, dict):
            copy: dict[str, Any] = {}
            target[place] = copy
            held: list[tuple[Any, Any, Any, str]] = []
            for key, inner in source.items():
                new_key = _unused(record.text(key), copy) if isinstance(key, str) else key
                copy[new_key] = None
                held.append((inner, copy, new_key, _secret_name(key)))
            waiting += reversed(held)
        elif isinstance(source, list | tuple):
            target[place] = [None] * len(source)
            fields = [field] * len(source)
            if len(source) == 2 and isinstance(source[0], str) and source[0].lower() in _HEADERS:
                fields[1] = _secret_name(source[0])  # a header as a pair
            places = [(inner, target[place], index, fields[index]) for index, inner in enumerate(source)]
            waiting += reversed(places)
        elif isinstance(source, str):
            target[place] = record.field(source, field) if field else record.text(source)
        elif field and isinstance(source, int | float) and not isinstance(source, bool):
            said = str(source)
            kept = record.field(said, field)
            target[place] = source if kept == said else kept
        else:
            target[place] = source
    return Redacted(top[0], dict(record.counts))


def redact_text(text: str) -> Redacted[str]:
    """Return the text with tokens in place of secrets and personal data."""
    record = _Part(Tokens())
    return Redacted(record.text(text), dict(record.counts))


class _Part:
    """What was found so far in one part of a record."""

    def __init__(self, tokens: Tokens) -> None:
        self.counts = Counter[str]()
        self._tokens = tokens

    def text(self, text: str) -> str:
        if len(text) < _SHORTEST_KEY and text.replace("_", "a").isalpha():
            return text  # a name, of which a schema has many
        if "\\u" in text and (plain := unescaped(text)) != text and _findings(plain):
            text = plain
        # What is gone may have hidden what stands beside it; more than a few rounds only a text made for it could need.
        for _ in range(_ROUNDS):
            parts: list[str] = []
            at = 0
            for found in _findings(text):
                token = self._token(found.label, found.kind, found.identity)
                quote = _quote_of_number(text, found)
                start = found.start - (quote != "" and text[found.start - 1] == "-")
                parts += (text[at:start], quote, token, quote)
                at = found.end
            if not parts:
                break
            text = "".join(parts) + text[at:]
        return text

    def field(self, text: str, name: str) -> str:
        """The value under a name that says it is a secret: all of it but the scheme goes."""
        if not may_hold(name, text):
            return self.text(text)
        if not text.strip() or _DONE.fullmatch(text) or not text.strip("*"):
            return text
        scheme, secret = _SCHEME.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any text
        if _DONE.fullmatch(secret):
            return text
        found = next(iter(_findings(secret)), None)
        whole = found is not None and found.start == 0 and found.end == len(secret)
        return (scheme or "") + self._token("secret", found.kind if found and whole else kind_of(name), secret)

    def _token(self, label: str, kind: str, identity: str) -> str:
        self.counts[kind] += 1
        return self._tokens.of(label, identity)


def _findings(text: str) -> list[Finding]:
    """What the detectors found, from left to right. Where two classes overlap, the first one has it."""
    found: list[Finding] = []
    for detector in _DETECTORS:
        more = list(_joined(text, detector(text)))
        found = _merged(found, more) if found and more else found or more
    return found


def _joined(text: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """Findings of one class; those that overlap are one, under the first one's kind."""
    current: Finding | None = None
    for finding in sorted(found, key=lambda finding: (finding.start, -finding.end)):
        if current is None or finding.start >= current.end:
            if current is not None:
                yield current
            current = finding
        elif finding.end > current.end:
            joined = text[current.start : finding.end]
            current = Finding(current.start, finding.end, current.label, current.kind, joined)
    if current is not None:
        yield current


def _merged(first: list[Finding], second: list[Finding]) -> list[Finding]:
    merged: list[Finding] = []
    place = 0
    for finding in second:
        while place < len(first) and first[place].end <= finding.start:
            merged.append(first[place])
            place += 1
        if place == len(first) or finding.end <= first[place].start:
            merged.append(finding)
    return merged + first[place:]


def _quote_of_number(text: str, found: Finding) -> str:
    """What JSON within the text puts around a token that takes the place of a number; nothing elsewhere."""
    if not NUMBER_OF_JSON.fullmatch(text, found.start, found.end) or not _END_OF_NUMBER.match(text, found.end):
        return ""
    name = _NAME_OF_NUMBER.search(text, max(0, found.start - 40), found.start)
    return name[1] if name else ""


_NAME_OF_NUMBER = re.compile(r"(?<!\\)(\\{0,15}\")\s{0,9}:(?:\s|\\{1,15}[nrt]){0,9}-?\Z")
_END_OF_NUMBER = re.compile(r"(?:\s|\\{1,15}[nrt]){0,99}[,}]")
_ROUNDS = 4
_SHORTEST_KEY = 20
"""Letters of the shortest secret that has only letters."""
_DONE = re.compile(r"\[[A-Za-z -]+ \d+\]")
_SCHEME = re.compile(r"((?:Bearer|Basic|Token)\s+)?(.*)", re.DOTALL | re.IGNORECASE)
_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie", "set-cookie"})


def _secret_name(key: object) -> str:
    """The name of a field that says that it holds a secret, or nothing."""
    return key if isinstance(key, str) and kind_of(key) else ""


def _unused(key: str, taken: dict[str, Any]) -> str:
    number, unused = 1, key
    while unused in taken:
        number += 1
        unused = f"{key} ({number})"
    return unused


_DETECTORS: tuple[Callable[[str], Iterator[Finding]], ...] = (find_secrets, find_personal)
