"""What a prompt asks for: the brief and the source text, read tolerantly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Literal

Tier = Literal["template", "scenario", "edge_case"]

MOST_EXCHANGES = 12
USUAL_EXCHANGES = 3

_BRIEF = re.compile(r"<brief>(.*?)(?:</brief>|<source|\Z)", re.S | re.I)
# A heading path holds ">" itself, so the tag ends only outside of its quotes.
_SOURCE = re.compile(r"""<source\b((?:"[^"]*"|'[^']*'|[^>"'])*)>(.*?)(?:</source>|\Z)""", re.S | re.I)
_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*("([^"]*)"|'([^']*)')""")
_LINE = re.compile(
    r"^\s*[-*]?\s*\**(persona|emotion|topic|intent|tone|tier|exchanges|variation)\**\s*[:=]\s*(.*?)\s*$", re.I | re.M
)
_DASH = re.compile(r"\s+(?:-|\u2013|\u2014)\s+")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a dimension: its label and, where the vocabulary has one, its description."""

    label: str
    description: str = ""

    @property
    def words(self) -> str:
        """Label and description in lower case, for looking words up."""
        return f"{self.label} {self.description}".lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Brief:
    """One cell of the plan, and the text to ground the conversation in."""

    persona: Choice = Choice("member")
    emotion: Choice = Choice("calm")
    topic: Choice = Choice("")
    intent: Choice = Choice("")
    tone: Choice = Choice("neutral")
    tier: Tier = "template"
    exchanges: int = USUAL_EXCHANGES
    variation: str = ""
    document: str = ""
    heading: str = ""
    source: str = ""
    given: bool = False
    """Whether the prompt held a brief at all."""


def read_brief(prompt: str) -> Brief:
    """The brief in a prompt; whatever is missing gets a sane value."""
    inside = _BRIEF.search(prompt)
    source = _SOURCE.search(prompt)
    outside = prompt[: source.start()] if source else prompt
    values = {name.lower(): value for name, value in _LINE.findall(inside[1] if inside else outside)}
    attributes = {m[1].lower(): unescape(m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(source[1])} if source else {}
    heading = attributes.get("heading", "").strip()
    return Brief(
        persona=_choice(values.get("persona"), "member"),
        emotion=_choice(values.get("emotion"), "calm"),
        topic=_choice(values.get("topic"), heading.rsplit(">", 1)[-1].strip()),
        intent=_choice(values.get("intent"), ""),
        tone=_choice(values.get("tone"), "neutral"),
        tier=_tier(values.get("tier", "")),
        exchanges=_count(values.get("exchanges", "")),
        variation=values.get("variation", ""),
        document=attributes.get("document", "").strip(),
        heading=heading,
        source=source[2].strip() if source else "",
        given=bool(values) or source is not None,
    )


def _choice(value: str | None, fallback: str) -> Choice:
    if not value or value.lower() in {"none", "null", "-", "any"}:
        return Choice(fallback)
    label, *rest = _DASH.split(value, maxsplit=1)
    return Choice(label.strip().replace("_", " "), rest[0].strip().rstrip(".") if rest else "")


def _tier(value: str) -> Tier:
    plain = _DASH.split(value)[0].strip().lower().replace(" ", "_").replace("-", "_")
    if "edge" in plain:
        return "edge_case"
    return "scenario" if "scenario" in plain else "template"


def _count(value: str) -> int:
    found = re.search(r"\d+", value)
    return max(1, min(MOST_EXCHANGES, int(found[0]))) if found else USUAL_EXCHANGES
