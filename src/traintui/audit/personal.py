"""What of a person stands in a text: addresses of mail and of machines, telephone, card, account and state numbers.

Nearly every text holds none. So it is read for signs that all of a kind have (an @, seven digits in a row, a letter
before a digit), and only what follows from those is checked: by its check digits where it has any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TypeVar

from stdnum import luhn, numdb
from stdnum.iban import is_valid as is_iban

from traintui.audit import national_ids
from traintui.audit.kinds import ALL, ALWAYS
from traintui.audit.nearby import RUN, alone, is_of_goods, view_of
from traintui.audit.phones import DEFAULT_REGIONS, Plans, known_regions
from traintui.audit.secrets import Finding

_Address = TypeVar("_Address", IPv4Address, IPv6Address)

_plans = Plans(DEFAULT_REGIONS)
_kinds = ALL


_SIGN = re.compile("[0-9@]")


def look_for_phones_of(regions: Sequence[object]) -> None:
    """From now on telephone numbers without a country's code are those of these regions, in this process."""
    global _plans
    _plans = Plans(known_regions(regions))


def look_for_kinds(kinds: frozenset[str]) -> None:
    """From now on only these kinds are found, in this process, and those that are always on."""
    global _kinds
    _kinds = kinds | ALWAYS


def find_personal(text: str) -> Iterator[Finding]:
    """Yield what tells who somebody is, in no order; where two have the same span, the first one names it."""
    view = view_of(text)
    if not _SIGN.search(view):
        return
    found = [*_mails(view), *_addresses(view)]
    runs = [match.span() for match in RUN.finditer(view)]
    lettered = [match.start() for match in _LETTER_AND_DIGIT.finditer(view)]
    lowered = view.lower()
    of_digits, of_letters = national_ids.possible(lowered)
    found += _lettered(view, of_letters, lettered)
    found += _numbered(view, of_digits, runs)
    found += (_national_id(view, *span) for span in national_ids.with_letters_apart(view, lowered))
    yield from (finding for finding in found if finding.kind in _kinds)
    if "phone" not in _kinds:
        return
    if found:
        # What has a name by now is no part of a telephone number.
        view = _without(view, found)
        runs = [match.span() for match in RUN.finditer(view)]
    for start, end in runs:
        for begin, stop, name in _plans.find(view, start, end):
            yield Finding(begin, stop, "phone", "phone", name)


def _without(view: str, found: list[Finding]) -> str:
    parts: list[str] = []
    at = 0
    for finding in sorted(found, key=lambda finding: finding.start):
        if finding.end > at:
            begin = max(at, finding.start)
            parts += (view[at:begin], ";" * (finding.end - begin))
            at = finding.end
    return "".join(parts) + view[at:]


# Mail -----------------------------------------------------------------------------------------------------------------

_AT = re.compile(r"@|%40")
_LOCAL_BACKWARDS = re.compile(r"[\w.%+'\u2019-]{1,64}")
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:xn--[a-z0-9-]{2,40}|[^\W\d_]{2,24})(?![^\W_]|-\w|\.[\d.]*[^\W_])",
    re.IGNORECASE,
)
_FILES = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "pdf", "js", "css", "html"})
"""Endings of files, as in `icon@2x.png`; none of them is the end of a domain."""
_MACHINES = re.compile(
    r"(?:ssh|s?ftps?|git|svn|rsync|smb|nfs|telnet|rdp|vnc|postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?)"
    r"(?:\+[a-z0-9]{1,20}){0,2}://\Z",
    re.IGNORECASE,
)
"""Where a login stands before the @, as in ssh://ann@host. In the address of a page it is somebody's."""


def _mails(view: str) -> Iterator[Finding]:
    if "@" not in view and "%40" not in view:
        return
    for sign in _AT.finditer(view):
        at, after = sign.span()
        before = _LOCAL_BACKWARDS.match(view[max(0, at - 64) : at][::-1])
        domain = _DOMAIN.match(view, after)
        if before is None or domain is None or domain[0].rpartition(".")[2].lower() in _FILES:
            continue
        start = at - len(before[0])
        start += len(before[0]) - len(before[0].lstrip(".%+'\u2019-"))
        local = view[start:at]
        if not local or local == "git" or _MACHINES.search(view[max(0, start - 32) : start]):
            continue
        yield Finding(start, domain.end(), "e-mail", "email", f"{local}@{domain[0]}".lower())


# Addresses of machines ------------------------------------------------------------------------------------------------

# Each begins with a sign that prose has few of; what must stand before it is looked at by the code, which is faster.
_V4 = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?!\.?\w)")
_V6_SIGN = re.compile(r":[0-9A-Fa-f]{0,4}:")
_V6 = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{1,4}:|::)(?:[0-9A-Fa-f]{0,4}:){0,7}"
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4}|(?<=::))(?!\w|:[0-9A-Fa-f:])"
)
# Versions and numbers of sections have four parts too.
_NUMBERED = re.compile(
    r"\b(?:v|ver|version|release|build|section|chapter|clause|article|paragraph|para|annex|appendix|step|rule|table"
    r"|figure|abschnitt|kapitel|\u00a7{1,2})[ .:=]{0,3}\Z",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"(?<![/\w.])[A-Za-z][\w-]{0,20}/\Z")
"""Before a version, as in `Chrome/120.0.6099.109`; before an address that is none of the internet, it is a host."""
_HEADING = re.compile(
    r"[ \t]+(?!(?:is|was|has|had|did|does|and|or|to|from|port|responded|refused|timed|logged|connected)\b"
    r"|(?:[\w-]+\.)+[A-Za-z]{2,24}\b|localhost\b)[^\W\d_]"
)
"""Words as a heading begins with, and not the rest of a sentence nor the name of a machine."""
_HIGHEST_SECTION = 40


def _addresses(view: str) -> Iterator[Finding]:
    for match in _V4.finditer(view):
        before = view[max(0, match.start() - 24) : match.start()]
        if before and (before[-1].isalnum() or before[-1] in "_."):
            continue
        v4 = _address(IPv4Address, match[0])
        # Machines of a house have numbers as sections have them.
        is_else = _NUMBERED.search(before) or (
            v4 and not v4.is_private and (_PRODUCT.search(before) or _is_heading(view, match))
        )
        if v4 and _tells(v4) and not is_else:
            yield Finding(*match.span(), "IP address", "ip_address", str(v4))
    done = 0
    for sign in _V6_SIGN.finditer(view) if "::" in view or view.count(":") >= 7 else ():
        start = sign.start() - _hex_before(view, sign.start())
        found = _V6.match(view, start) if start >= done else None
        if found is None:
            continue
        done = found.end()
        groups = found[0].split(":")
        # In programs two colons stand between names, as in `face::add`.
        long = len(groups[0]) == 4 or sum(map(bool, groups)) >= 3 or "." in found[0]
        if long and any(letter.isdigit() for letter in found[0]):
            v6 = _address(IPv6Address, found[0])
            if v6 and _tells(v6):
                yield Finding(*found.span(), "IP address", "ip_address", str(v6))


def _hex_before(view: str, end: int) -> int:
    before = view[max(0, end - 4) : end]
    return len(before) - len(before.rstrip("0123456789abcdefABCDEF"))


def _address(kind: type[_Address], said: str) -> _Address | None:
    try:
        return kind(said)
    except AddressValueError:
        return None


def _tells(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address may be of somebody: not one's own machine, a mask, or a group. Addresses inside a house are,
    and so are those kept for documents, which stand for some in examples."""
    return not (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or (isinstance(address, IPv4Address) and (address.is_reserved or address.packed[0] == 0))
    )


def _is_heading(view: str, match: re.Match[str]) -> bool:
    """Whether it is a small number at the beginning of a line with words behind it: that of a section."""
    before = view[max(0, match.start() - 8) : match.start()].rstrip("# \t*")
    opens = not before or before.endswith(("\n", "\r")) or view[max(0, match.start() - 2) : match.start()] == "  "
    small = all(0 < int(part) < _HIGHEST_SECTION for part in match[0].split("."))
    return opens and small and _HEADING.match(view, match.end()) is not None


# Codes that begin with letters ----------------------------------------------------------------------------------------

_LETTER_AND_DIGIT = re.compile(r"[0-9](?:(?<=[A-Za-z][0-9])|(?<=[A-Za-z]-[0-9]))")
_LONGEST_WORD = 6


def _lettered(view: str, kinds: list[national_ids.Number], places: list[int]) -> Iterator[Finding]:
    for digit in places:
        place = digit - (view[digit - 1] == "-")
        start = place
        while start > 0 and place - start <= _LONGEST_WORD and view[start - 1].isalpha():
            start -= 1
        if place - start > _LONGEST_WORD or (start and (view[start - 1].isalnum() or view[start - 1] == "_")):
            continue
        if place - start == 2 and (end := _iban_end(view, start)):
            yield Finding(start, end, "IBAN", "iban", _compact(view[start:end]))
        for begin, end in national_ids.after_letters(view, kinds, start):
            yield _national_id(view, begin, end)


def _iban_end(view: str, start: int) -> int:
    """Where the IBAN ends whose country stands at `start`; 0 if there is none."""
    pattern = _iban_of(view[start : start + 2].upper())
    match = pattern.match(view, start) if pattern else None
    return match.end() if match and is_iban(_compact(match[0])) else 0


@cache
def _iban_of(country: str) -> re.Pattern[str] | None:
    """How an IBAN of this country is written: it is as long as the country says."""
    parts = numdb.get("iban").info(f"{country}00")
    if not parts or "bban" not in parts[0][1]:
        return None
    length = sum(int(size) for size in re.findall(r"(\d+)!", parts[0][1]["bban"]))
    return re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:[ \u00a0\u202f-]?[A-Za-z0-9]){{{length}}}(?![A-Za-z0-9])")


def _compact(said: str) -> str:
    return "".join(sign for sign in said if sign.isalnum()).upper()


# Numbers --------------------------------------------------------------------------------------------------------------

_S = r"[ \-.\u00a0\u2009\u2010-\u2013\u202f]"
_CARD = re.compile(
    rf"(?<![A-Za-z0-9_])(?<![0-9]\.)(?:[0-9]{{13,19}}|[0-9]{{4}}({_S})[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}(?:\1[0-9]{{3}})?"
    rf"|3[0-9]{{3}}({_S})[0-9]{{6}}\2[0-9]{{4,5}})(?![A-Za-z0-9_])"
)
_ISSUERS = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})"  # Visa; those of 13 digits are gone, and numbers of goods look so
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}"  # Discover
    r"|3(?:0[0-59]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"  # JCB
    r"|(?:62|81)[0-9]{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12,15}"  # Maestro
    r"|(?:220[0-4]|508[5-9]|60[0-9]{2}|82[0-9]{2})[0-9]{12}"  # Mir, RuPay
)


def _numbered(view: str, kinds: list[national_ids.Number], runs: list[tuple[int, int]]) -> Iterator[Finding]:
    for start, end in runs:
        if end - start >= 13:
            for match in _CARD.finditer(view, start, min(end + 1, len(view))):
                digits = _compact(match[0])
                if (
                    _ISSUERS.fullmatch(digits)
                    and luhn.is_valid(digits)
                    and alone(view, *match.span())
                    and not (match[0].isdigit() and is_of_goods(view, match.start()))
                ):
                    yield Finding(*match.span(), "card", "card", digits)
        for begin, stop in national_ids.in_run(view, kinds, start, end):
            yield _national_id(view, begin, stop)


def _national_id(view: str, start: int, end: int) -> Finding:
    return Finding(start, end, "national id", "national_id", _compact(view[start:end]))
