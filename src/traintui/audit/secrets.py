"""What a secret looks like in a text."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from traintui.audit.secret_names import HARMLESS, is_sure, kind_of, looks_random, may_hold


@dataclass(frozen=True, slots=True)
class Finding:
    """The span [start, end) of a text; `identity` is what makes two findings the same one."""

    start: int
    end: int
    label: str
    kind: str
    identity: str


def find_secrets(text: str) -> Iterator[Finding]:
    """Yield every secret in a text, in no order; where two have the same span, the first one names it."""
    yield from _private_keys(text)
    lowered = text.lower()
    # Most texts hold none, and looking for a fixed string is a hundred times faster than for a pattern.
    there = {hint for hint in _HINTS if hint in lowered}
    if there:
        for rule in _RULES:
            if not there.isdisjoint(rule.hints):
                yield from _matches(rule, text)
    if any(hint in lowered for hint in _NAME_HINTS):
        yield from _named(text)


@dataclass(frozen=True, slots=True)
class _Rule:
    """The group `s` is what goes, `id` (if there) what makes it the same; a doubtful one must look random too."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    doubtful: bool


def _rule(kind: str, hints: str, *parts: str, doubtful: bool = False) -> _Rule:
    """`hints` are lower-case words, one of which is in every text that the pattern matches."""
    return _Rule(kind, tuple(hints.split()), re.compile("".join(parts), re.DOTALL), doubtful)


# A run of letters may start after any other sign, or after a line end that JSON has escaped.
_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_DATABASE = (
    r"(?i:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse|cockroachdb)"
    r"(?:\+[a-z0-9]{1,20}){0,2}://"
)
_USER = r"(?P<s>[^\s/?#:@\"'<>]{0,256}:"
_NAMES = "password passwd passphrase pwd"
_ALL_NAMES = (*_NAMES.split(), "key", "secret", "token", "authorization")
_NAME = r"(?i:password|passwd|passphrase|pwd)"
_KEY_NAME = (
    r"(?i:x-api-key|api[_-]?key|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|(?:access|refresh|auth|id)[_-]?token)"
)
_OPTIONAL_SCHEME = r"(?:(?i:bearer|basic|token)\s{1,5})?"
_NOT_DONE = rf"(?!{_OPTIONAL_SCHEME}\[[A-Za-z -]+ \d)"
_OPAQUE = r"[A-Za-z0-9._~+/-]"
_PAIR = r"[A-Za-z0-9_.!#$%&*+^|~-]{1,128}=[^\s;,\"'\\<>{}$\[][^\s;\"'\\]*"

# Each pattern reads a bounded way past its start, or takes what it has read: none may look twice at a long text.
_RULES = (
    _rule("anthropic_key", "sk-ant-", r"(?P<s>sk-ant-[A-Za-z0-9_-]{10,})"),
    _rule("openai_key", "sk-", r"(?P<s>sk-(?:proj|svcacct|admin|or|None)-[A-Za-z0-9_-]{16,})"),
    _rule("openai_key", "sk-", _START, r"(?P<s>sk-[A-Za-z0-9]{20,})"),
    _rule("aws_key", "akia asia", r"(?<![A-Z0-9])(?P<s>(?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Z0-9])"),
    _rule(
        "github_token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"(?P<s>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
    ),
    _rule("gitlab_token", "glpat-", r"(?P<s>glpat-[A-Za-z0-9_-]{20,})"),
    _rule("google_key", "aiza", r"(?P<s>AIza[A-Za-z0-9_-]{35})"),
    _rule("slack_token", "xox xapp", r"(?P<s>xox[a-z]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})"),
    _rule("hugging_face_token", "hf_", r"(?P<s>hf_[A-Za-z0-9]{30,})"),
    _rule("sendgrid_key", "sg.", r"(?P<s>\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64})"),
    _rule("google_key", "gocspx- ya29.", r"(?P<s>GOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,})"),
    _rule(
        "provider_key",
        "gsk_ xai- pplx- r8_ fw_ npm_ pypi- dckr_ dop_v1_ doo_v1_ dor_v1_ shpat_ shpca_ shppa_ shpss_ hvs. hvb."
        " lin_api_ ntn_ sbp_ nrak- glc_ glsa_ atatt3 figd_ whsec_ nvapi- age-secret-key-",
        r"(?<![A-Za-z0-9_-])(?P<s>(?:gsk_|xai-|pplx-|r8_|fw_|npm_|dckr_(?:pat|oat)_|do[opr]_v1_|shp(?:at|ca|pa|ss)_|hv[sb]\."
        r"|lin_api_|ntn_|sbp_|NRAK-|glc_|glsa_|ATATT3|figd_|whsec_|nvapi-|AGE-SECRET-KEY-|pypi-AgE)"
        r"[A-Za-z0-9_-]{20,}=*)",
        doubtful=True,
    ),
    _rule(
        "storage_key", "accountkey sharedaccesskey", r"(?i:\b(?:Account|SharedAccess)Key)=(?P<s>[A-Za-z0-9+/]{20,}=*)"
    ),
    _rule("webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<s>[A-Za-z0-9/_-]{20,})"),
    _rule("telegram_key", ":aa", r"(?<![0-9])(?P<s>[0-9]{8,10}:AA[A-Za-z0-9_-]{32,36})(?![A-Za-z0-9_-])"),
    _rule("stripe_key", "k_live_ k_test_", r"(?P<s>(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,})"),
    _rule(
        "jwt",
        "eyj",
        _START,
        r"(?P<s>eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|",
        r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3}))",
    ),
    _rule("connection_string", "://", _DATABASE, _USER, r"(?P<id>[^\s/\"'<>]{1,2048}))@"),
    # A password with / or @ in it is not allowed there, and yet is what an error message about it quotes.
    _rule("connection_string", "://", _DATABASE, _USER, r"(?P<id>(?:(?!://)[^\s\"<>?]){1,2048}))@"),
    _rule(
        "connection_string",
        "://",
        _DATABASE,
        r"(?![^\s/\"'<>]{0,2400}@)",
        _USER,
        r"(?P<id>(?:(?!://)[^\s\"<>]){1,2048}))@",
    ),
    _rule("basic_auth_url", "://", "://", _USER, r"(?P<id>[^\s/?#\"'<>]{1,2048}))@(?=[^\s@])"),
    _rule("bearer_token", "bearer", r"(?i:\bbearer)\s+(?P<s>", _OPAQUE, r"{16,}(?<!\.)=*)", doubtful=True),
    _rule(
        "header",
        "authorization",
        r"(?i:authorization)\s{0,5}[:=]\s{0,5}",
        _OPTIONAL_SCHEME,
        r"(?P<s>",
        _OPAQUE,
        r"{8,}(?<!\.)=*)",
        doubtful=True,
    ),
    # A pair and what follows it, so that a sentence about cookies stays; where a program says it, a quote ends it.
    _rule(
        "header",
        "cookie",
        r"(?i:\b(?:set-)?cookie)(?:\\{0,8}[\"'])?\s{0,5}:\s{0,5}(?:\\{0,8}[\"'])?(?P<s>",
        _PAIR,
        rf"(?:;[ ]?(?:{_PAIR}|(?i:httponly|secure|partitioned)\b))*)",
    ),
    # The libpq and ODBC forms: a separator ends the value only where another setting follows it.
    _rule("password", _NAMES, _NAME, "=", _NOT_DONE, r"(?!'[\s,:{}\[\]]*(?:'|\Z))(?P<s>'(?:[^'\\]|\\.)*\\?(?:'|\Z))"),
    _rule(
        "password",
        _NAMES,
        _NAME,
        "=",
        _NOT_DONE,
        r"(?P<s>(?![$<{(%'\"\\])(?:[^\s&;,\"'\\]|,(?!\s)|'(?=\w)|[&;](?!\s|\Z|[\w .-]{1,40}=)",
        r"|\\(?![nrt]|\\{0,14}\").)+)",
    ),
    _rule(
        "password",
        _NAMES,
        _NAME,
        r"(?::\s{0,5}|\s{0,5}=\s{1,5})(?P<s>[^\s\"'\\,;<>$(){}\[\]]{6,})",
        doubtful=True,
    ),
    _rule(
        "api_key",
        "key secret token",
        _KEY_NAME,
        r"\s{0,5}[=:]\s{0,5}[\"']?(?P<s>",
        _OPAQUE,
        r"{8,}(?<!\.)=*)",
        doubtful=True,
    ),
    # JSON or a printed dict inside a text; in JSON inside JSON the quotes are escaped.
    _rule(
        "named_value",
        " ".join(name + quote for name in _ALL_NAMES for quote in "\"'"),
        rf"(?:{_NAME}|{_KEY_NAME}|(?i:authorization))(?P<q>[\"'])(?:\s{{0,9}}:\s{{0,9}}b?|,\s{{0,9}}b)(?P=q)",
        _NOT_DONE,
        _OPTIONAL_SCHEME,
        r"(?P<s>(?:(?!(?P=q))[^\\]|\\.)+)",
    ),
    _rule(
        "named_value",
        " ".join(name + "\\" for name in _ALL_NAMES),
        rf"(?:{_NAME}|{_KEY_NAME}|(?i:authorization))\\{{1,8}}\"\s{{0,9}}:\s{{0,9}}(?P<e>\\{{1,8}})\"",
        _NOT_DONE,
        _OPTIONAL_SCHEME,
        # A quote or a backslash of the value itself is escaped once more than the quotes around it.
        r"(?P<s>(?:[^\"\\]|(?P=e)\\(?P=e)[\"\\]|\\{1,8}[^\"\\])+)",
    ),
)
_HINTS = tuple({hint: None for rule in _RULES for hint in rule.hints})


def _matches(rule: _Rule, text: str) -> Iterator[Finding]:
    for match in rule.pattern.finditer(text):
        identity = match["id"] if "id" in rule.pattern.groupindex else match["s"]
        if not identity.strip("*") or identity.lower() in HARMLESS:
            continue
        if rule.doubtful and not looks_random(identity):
            continue
        if match[0][:4].lower() == "pwd=" and identity.startswith(("/", "~", ".")):
            continue  # the shell's working directory
        yield Finding(*match.span("s"), "secret", rule.kind, identity.strip("'"))


_NAME_ENDS = re.compile(
    r"(?P<word>(?i:password|passwd|passphrase|pwd|pass|secret|token|credentials?))(?P<q>\\{0,8}[\"'])?"
    r"(?P<sign>\s{0,9}(?:=>|[:=])\s{0,9})(?:b?(?P<quote>\\{0,8}[\"'])|(?=[^\s\"'\\]))"
)
"""The end of a name, what says that something follows, and how that begins."""
_NAME_HINTS = tuple(
    name + sign
    for name in ("password", "passwd", "passphrase", "pwd", "pass", "secret", "token", "credential", "credentials")
    for sign in ("=", ":", " =", " :", '"', "'", "\\")
)
_OF_NAMES = string.ascii_letters + string.digits + "_-"
_BARE = r"[^\s\"'\\,;&|<>(){}\[\]]"
NUMBER_OF_JSON = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_BETWEEN = re.compile(r"\s*[,:}\]\\](?:[\s,:{}\[\]\\]|-?[0-9][0-9.eE+-]*+|true|false|null)*+")
"""What stands between two texts of JSON: there a quote behind `password=` ends a text and begins none."""
_DONE = re.compile(rf"(?!{_NOT_DONE})")


@cache
def _value_in(quote: str, most: int | None) -> re.Pattern[str]:
    """A value that begins with this quote, as it may be escaped; with none, one that stands bare."""
    sign = _BARE
    if quote:
        escapes, mark = len(quote) - 1, quote[-1]
        sign = rf"[^{mark}\\\r\n]|\\."
        if escapes:  # in JSON within a text, where a quote or a backslash of the value is escaped once more
            once_more = rf"\\{{{escapes + 1}}}(?:\\{{{escapes}}}{mark}|\\{{{escapes + 1}}})"
            sign = rf"[^{mark}\\\r\n]|{once_more}|\\{{1,8}}[^{mark}\\]"
    return re.compile(rf"(?:{sign}){{1,{most}}}" if most else rf"(?:{sign})*")


def _named(text: str) -> Iterator[Finding]:
    """What stands behind a name that ends as those of secrets do, where it looks like one: `SECRET=`, `"token": "`."""
    ends: dict[str, int] = {}
    for match in _NAME_ENDS.finditer(text):
        start, quote = match.end(), match["quote"] or ""
        value = _value_in(quote, _ENOUGH).match(text, start)
        if value is None or value.end() <= ends.get(quote, 0):
            continue  # a name within a long value
        if quote and not match["q"] and _BETWEEN.fullmatch(value[0]):
            continue
        if _DONE.match(text, start) or (not quote and text.startswith(("(", "["), value.end())):
            continue
        before = text[max(0, match.start() - 40) : match.start()]
        name = before[len(before.rstrip(_OF_NAMES)) :] + match["word"]
        said = value[0] if quote else value[0].rstrip(".,:")
        if not kind_of(name) or not said.strip("*") or said.lower() in HARMLESS or not may_hold(name, said):
            continue
        # A number of JSON is under its name whatever the sentence would say.
        number = not quote and match["q"] and ":" in match["sign"] and NUMBER_OF_JSON.fullmatch(said)
        # Others know what is said under a sure name, but for `password = "plum tree"`.
        if is_sure(name) and not number and (not quote or match["q"] or (":" in match["sign"] and " " in said)):
            continue
        # In prose a blank follows the sign, and what follows then is a word.
        loose = not quote and not number and match["sign"] != "="
        if loose and (len(said) < _SHORTEST_LOOSE or not looks_random(said)):
            continue
        if len(value[0]) >= _ENOUGH and (rest := _value_in(quote, None).match(text, value.end())):
            ends[quote] = rest.end()
            said = text[start : rest.end()] if quote else text[start : rest.end()].rstrip(".,:")
        yield Finding(start, start + len(said), "secret", kind_of(name), said)


_ENOUGH = 512
"""Signs of a value by which one sees whether it is a secret; all of it goes."""
_SHORTEST_LOOSE = 8
"""Signs of the shortest one that is believed in prose."""

_PEM_MARK = re.compile(r"-----(BEGIN|END) (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(
    r"(?:\s|\\{1,4}[nr]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,100}|[A-Za-z0-9+/=]{16,}|[A-Za-z0-9+/]{2,15}==?)*"
)
_PEM_REST = re.compile(r"[A-Za-z0-9+/=]*\\{0,4}\Z")
_PEM_GAP = re.compile(r"(?:\s|\\{1,4}[nr])+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")


def _private_keys(text: str) -> Iterator[Finding]:
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
            if _PEM_REST.match(text, end):
                end = len(text)  # the line at which the text was cut
        elif index and marks[index - 1][1] == "BEGIN":
            continue
        else:
            start = _pem_start(text, marks[index - 1].end() if index else 0, start)
        yield Finding(start, end, "secret", "private_key", text[start:end])


def _pem_start(text: str, at: int, mark: int) -> int:
    """Where the lines of a key begin whose END mark is at `mark`, looking back as far as `at`."""
    lines: list[tuple[int, int]] = []
    for gap in _PEM_GAP.finditer(text, at, mark):
        lines.append((at, gap.start()))
        at = gap.end()
    lines.append((at, mark))
    start = mark
    for begin, end in reversed([(begin, end) for begin, end in lines if begin < end]):
        if not _BASE64.fullmatch(text, begin, end):
            break
        # Short are only the last line of a key and one that was cut.
        if start < mark and end - begin < 16:
            return begin if looks_random(text[begin:end]) else start
        start = begin
    return start
