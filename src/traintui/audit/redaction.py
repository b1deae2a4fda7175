"""Secrets out of a record before it is stored: the database's log and its backups keep what was once written.

A detector finds spans of text and names their class; a class counts its tokens of its own. Secrets are the first class.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Redacted(Generic[_T]):
    """A value without what was found in it, and how often each kind was; nothing of what was found is kept."""

    value: _T
    counts: dict[str, int]


def redact(value: JSON) -> Redacted[JSON]:
    """Return a copy of a record with tokens like `[secret 1]` in place of secrets, in keys and in values.

    The same secret has the same token within one call, so give the parts of one record together.
    """
    record = _Record()
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
                held.append((inner, copy, new_key, _secret_field(key)))
            waiting += reversed(held)
        elif isinstance(source, list | tuple):
            target[place] = [None] * len(source)
            if len(source) == 2 and isinstance(source[0], str) and isinstance(source[1], str):
                field = field or _secret_field(source[0])  # a header as a pair
                target[place][0] = record.text(source[0])
                waiting.append((source[1], target[place], 1, field))
            else:
                waiting += ((inner, target[place], index, field) for index, inner in reversed([*enumerate(source)]))
        elif isinstance(source, str):
            target[place] = record.field(source, field) if field else record.text(source)
        elif field and isinstance(source, int | float) and not isinstance(source, bool):
            target[place] = record.field(str(source), field)
        else:
            target[place] = source
    return Redacted(top[0], dict(record.counts))


def redact_text(text: str) -> Redacted[str]:
    """Return the text with tokens in place of secrets."""
    record = _Record()
    return Redacted(record.text(text), dict(record.counts))


@dataclass(frozen=True, slots=True)
class _Finding:
    """The span [start, end) of a text; `identity` is what makes two findings the same one."""

    start: int
    end: int
    label: str
    kind: str
    identity: str


class _Record:
    """The tokens given out so far in one record."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self._tokens: dict[tuple[str, str], str] = {}
        self._given = Counter[str]()

    def text(self, text: str) -> str:
        parts: list[str] = []
        at = 0
        for found in _findings(text):
            parts += (text[at : found.start], self._token(found.label, found.kind, found.identity))
            at = found.end
        return "".join(parts) + text[at:] if parts else text

    def field(self, text: str, kind: str) -> str:
        """The value under a name that says it is a secret: all of it but the scheme goes."""
        if not text.strip() or _DONE.fullmatch(text) or not text.strip("*"):
            return text
        scheme, secret = _SCHEME.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any text
        if _DONE.fullmatch(secret):
            return text
        found = next(iter(_findings(secret)), None)
        whole = found is not None and found.start == 0 and found.end == len(secret)
        return (scheme or "") + self._token("secret", found.kind if found and whole else kind, secret)

    def _token(self, label: str, kind: str, identity: str) -> str:
        self.counts[kind] += 1
        known = (label, identity)
        if known not in self._tokens:
            self._given[label] += 1
            self._tokens[known] = f"[{label} {self._given[label]}]"
        return self._tokens[known]


def _findings(text: str) -> Iterator[_Finding]:
    """What the detectors found, from left to right; findings that overlap are one, under the first one's kind."""
    found = [finding for detector in _DETECTORS for finding in detector(text)]
    found.sort(key=lambda finding: (finding.start, -finding.end))
    current: _Finding | None = None
    for finding in found:
        if current is None or finding.start >= current.end:
            if current is not None:
                yield current
            current = finding
        elif finding.end > current.end:
            joined = text[current.start : finding.end]
            current = _Finding(current.start, finding.end, current.label, current.kind, joined)
    if current is not None:
        yield current


_DONE = re.compile(r"\[[a-z]+ \d+\]")
_SCHEME = re.compile(r"((?:Bearer|Basic|Token)\s+)?(.*)", re.DOTALL | re.IGNORECASE)
_FIELD = re.compile(
    r"(?P<header>authorization|^(?:set-)?cookie)|(?P<password>password|passwd|passphrase)"
    r"|(?P<api_key>api-?key|client-secret|(?:secret|private)(?:-access)?-key|(?:access|refresh|auth|id)-token)"
)


def _secret_field(key: object) -> str:
    """The kind of secret that a field of this name holds, or nothing: what ends so is one, at any length."""
    if not isinstance(key, str):
        return ""
    name = key.lower().replace("_", "-")
    return next((match.lastgroup or "" for match in _FIELD.finditer(name) if match.end() == len(name)), "")


def _unused(key: str, taken: dict[str, Any]) -> str:
    number, unused = 1, key
    while unused in taken:
        number += 1
        unused = f"{key} ({number})"
    return unused


def _looks_random(value: str) -> bool:
    """Whether a value after a name like `password:` in prose is one, and not the next word of the sentence."""
    value = value.rstrip(".,;:")
    if all(part.isalpha() or part.isdigit() for part in value.split("-")) and "-" in value:
        return False
    turns = sum(1 for one, two in zip(value, value[1:], strict=False) if one.islower() and two.isupper())
    return any(letter.isdigit() for letter in value) or turns >= 2


# A run of letters may start after any other sign, or after a line end that JSON has escaped.
_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_DATABASE = (
    r"(?i:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse|cockroachdb)"
    r"(?:\+[a-z0-9]{1,20}){0,2}://"
)
_NAME = r"(?i:password|passwd|passphrase|pgpass|pwd)"
_KEY_NAME = (
    r"(?i:x-api-key|api[_-]?key|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|(?:access|refresh|auth|id)[_-]?token)"
)
_NOT_DONE = r"(?!\[[a-z]+ \d)"


@dataclass(frozen=True, slots=True)
class _Rule:
    """`s` is what goes, `id` (if there) what makes it the same; a doubtful one must look random too."""

    kind: str
    pattern: re.Pattern[str]
    doubtful: bool = False


# Each pattern reads a bounded way past its start, or takes what it has read: none may look twice at a long text.
# Where two rules find the same span, the first one names it.
_RULES = tuple(
    _Rule(kind, re.compile(pattern, re.DOTALL), kind in ("bearer_token", "header") or "(?#doubtful)" in pattern)
    for kind, pattern in (
        ("anthropic_key", r"(?P<s>sk-ant-[A-Za-z0-9_-]{10,})"),
        ("openai_key", r"(?P<s>sk-(?:proj|svcacct|admin|or)-[A-Za-z0-9_-]{16,})"),
        ("openai_key", _START + r"(?P<s>sk-[A-Za-z0-9]{20,})"),
        ("aws_key", r"(?<![A-Z0-9])(?P<s>(?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Z0-9])"),
        ("github_token", r"(?P<s>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
        ("gitlab_token", r"(?P<s>glpat-[A-Za-z0-9_-]{20,})"),
        ("google_key", r"(?P<s>AIza[A-Za-z0-9_-]{35})"),
        ("slack_token", r"(?P<s>xox[a-z]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})"),
        ("hugging_face_token", r"(?P<s>hf_[A-Za-z0-9]{30,})"),
        ("stripe_key", r"(?P<s>(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,})"),
        ("jwt", _START + r"(?P<s>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3})"),
        # A password with / or @ in it is not allowed there, and yet is what an error message about it quotes.
        ("connection_string", _DATABASE + r"(?P<s>[^\s/:@\"'<>]{0,256}:(?P<id>[^\s/\"'<>]{1,2048}))@"),
        ("connection_string", _DATABASE + r"(?P<s>[^\s/:@\"'<>]{0,256}:(?P<id>(?:(?!://)[^\s\"'<>]){1,2048}))@"),
        ("basic_auth_url", r"://(?P<s>[^\s/?#:@\"'<>]{0,256}:(?P<id>[^\s/?#\"'<>]{1,2048}))@(?=[^\s@])"),
        ("bearer_token", r"(?i:\bbearer)\s+(?P<s>[A-Za-z0-9._~+/-]{16,}=*)"),
        (
            "header",
            r"(?i:authorization)\s{0,5}[:=]\s{0,5}(?:(?i:bearer|basic|token)\s{1,5})?"
            r"(?P<s>[A-Za-z0-9._~+/:-]{8,}=*)",
        ),
        ("password", _NAME + r"=" + _NOT_DONE + r"(?P<s>'(?:[^'\\]|\\.)*\\?(?:'|\Z)|[^\s&;,\"'\\<>$(){}]+)"),
        ("password", _NAME + r"\s{0,5}[=:]\s{1,5}(?P<s>'[^'\n]{1,256}'|[^\s\"'\\,;<>$(){}\[\]]{6,})(?#doubtful)"),
        ("api_key", _KEY_NAME + r"\s{0,5}[=:]\s{0,5}[\"']?(?P<s>[A-Za-z0-9._~+/-]{8,}=*)(?#doubtful)"),
        # JSON inside a text, where the quotes may be escaped.
        (
            "password",
            rf"(?:{_NAME}|{_KEY_NAME}|(?i:authorization))\"\s{{0,9}}:\s{{0,9}}\"{_NOT_DONE}(?P<s>(?:[^\"\\]|\\.)+)",
        ),
        (
            "password",
            rf"(?:{_NAME}|{_KEY_NAME}|(?i:authorization))\\+\"\s{{0,9}}:\s{{0,9}}\\+\"{_NOT_DONE}"
            r"(?P<s>(?:[^\"\\]|\\+[^\"\\])+)",
        ),
    )
)
_HARMLESS = frozenset({"true", "false", "none", "null", "yes", "no", "0", "1", "required", "optional"})


def _patterned(text: str) -> Iterator[_Finding]:
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            identity = match["id"] if "id" in rule.pattern.groupindex else match["s"]
            if not identity.strip("*") or identity.lower() in _HARMLESS:
                continue
            if rule.doubtful and not _looks_random(identity):
                continue
            if rule.kind == "password" and identity.startswith(("/", "~", ".")) and "pwd" in match[0].lower()[:4]:
                continue  # the shell's working directory
            yield _Finding(*match.span("s"), "secret", rule.kind, identity.strip("'"))


_PEM_MARK = re.compile(r"-----(BEGIN|END) (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(r"(?:\s|\\[nr]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,100}|[A-Za-z0-9+/=]{16,})*")
_PEM_LINE = re.compile(r"(?:(?!\\[nr])\S)+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")


def _private_keys(text: str) -> Iterator[_Finding]:
    """PEM blocks, also those whose end or beginning was cut off."""
    marks = list(_PEM_MARK.finditer(text))
    for index, mark in enumerate(marks):
        following = marks[index + 1] if index + 1 < len(marks) else None
        start, end = mark.span()
        if mark[1] == "BEGIN" and following is not None and following[1] == "END":
            end = following.end()
        elif mark[1] == "BEGIN":
            body = _PEM_BODY.match(text, end)
            end = body.end() if body else end
            rest = _BASE64.match(text, end)
            if rest and rest.end() == len(text):
                end = len(text)  # the line at which the text was cut
        elif index and marks[index - 1][1] == "BEGIN":
            continue
        else:
            lines = list(_PEM_LINE.finditer(text, marks[index - 1].end() if index else 0, start))
            for number, line in enumerate(reversed(lines)):
                if not _BASE64.fullmatch(line[0]) or (number and len(line[0]) < 16):
                    break
                start = line.start()
        yield _Finding(start, end, "secret", "private_key", text[start:end])


_DETECTORS: tuple[Callable[[str], Iterator[_Finding]], ...] = (_private_keys, _patterned)
