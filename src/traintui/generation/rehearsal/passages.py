"""From the Markdown of a chunk to statements that can be quoted one at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from traintui.generation.rehearsal.english import (
    capitalise,
    is_measure,
    label_in_text,
    listing,
    lower_first,
    noun_phrase,
    sentences_of,
)

LONGEST = 58
"""Words; a longer statement does not read well in an answer."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Something the source says, in whole sentences; `ways` are equally good wordings of it."""

    ways: tuple[str, ...]
    subject: str = ""
    asked: str = ""
    """A question that the source itself asks before it, as in a list of questions and answers."""
    heading: str = ""
    kind: str = ""
    """`row`: a line with a price; `entry`: a named paragraph; `steps`; `needs`: a list with a lead; empty: prose."""

    @property
    def text(self) -> str:
        """The first wording."""
        return self.ways[0]


@dataclass
class _Reader:
    document: str
    heading: str = ""
    asked: str = ""
    lead: str = ""
    paragraph: list[str] = field(default_factory=list)
    items: list[tuple[bool, str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    found: list[Statement] = field(default_factory=list)

    def flush(self) -> None:
        """Turn what has been collected into statements."""
        if self.paragraph:
            self._prose(" ".join(self.paragraph))
        if self.items:
            self._list()
        if self.rows:
            self._table()
        self.paragraph, self.items, self.rows = [], [], []

    def _add(self, *ways: str, subject: str = "", kind: str = "") -> None:
        good = tuple(way for way in ways if way and 4 <= len(way.split()) <= LONGEST)
        if good:
            self.found.append(Statement(good, subject, self.asked, self.heading, kind))
            self.asked = ""

    def _prose(self, text: str) -> None:
        self.lead = ""
        before: str | None = None
        for sentence in sentences_of(text):
            if sentence.endswith(":"):
                self.lead, before = sentence, None
            elif sentence.endswith("?"):
                self.asked, before = sentence, None
            elif (
                not sentence.rstrip("\"'\u201d)]").endswith((".", "!"))
                or _REFERS.search(sentence)
                or _is_label(sentence)
            ):
                before = None
            elif _LEANS.match(sentence):
                # "It", "This fee" and the like need the sentence before them.
                if before and self.found and len(f"{before} {sentence}".split()) <= LONGEST:
                    last = self.found.pop()
                    before = f"{before} {sentence}"
                    self.found.append(Statement((before,), last.subject, last.asked, last.heading, last.kind))
                else:
                    before = None
            else:
                for part in _shortened(sentence):
                    self._add(part)
                before = sentence if len(sentence.split()) <= LONGEST else None

    def _list(self) -> None:
        texts = [text for _, text in self.items]
        plain = [text.rstrip(".;,") for text in texts]
        lead = self.lead.rstrip(": ")
        self.lead = ""
        keyed = [_KEYED.match(text) for text in texts]
        if all(keyed):
            for match in keyed:
                assert match is not None  # noqa: S101 - narrowed by all()
                self._entry(match[1], match[2])
        elif self.items[0][0] and 2 <= len(texts) <= 6 and sum(len(text.split()) for text in texts) <= LONGEST:
            self._add(_steps(plain), kind="steps")
        elif (
            lead and 2 <= len(texts) <= 6 and all(len(text.split()) <= 12 and not _is_sentence(text) for text in texts)
        ):
            joined = listing(
                [label_in_text(text) for text in plain],
                "or" if re.search(r"\b(?:if|when|one of|any of)\b", lead) else "and",
            )
            through = re.search(
                (
                    r"\b(?:if|when|by|to|for|with|are|is|need|needs|include|includes|bring|send|from|of|in|on|at|a|an"
                    r"|the)$"
                ),
                lead,
            )
            self._add(f"{lead} {joined}." if through else f"{lead}: {joined}.", kind="needs")
        else:
            for text in texts:
                if _is_sentence(text):
                    self._prose(text)
                elif re.search(r"\b(?:if|when|to|by|can|may|must|will|not)$", lead):
                    self._add(f"{lead} {label_in_text(text.rstrip('.;,'))}.")

    def _table(self) -> None:
        header, *rows = self.rows
        for row in rows:
            if len(row) < 2 or not row[0] or not any(row[1:]):
                continue
            self._row(header, row)

    def _row(self, header: list[str], row: list[str]) -> None:
        name = label_in_text(header[1]) if len(header) > 1 else ""
        label, first = self._priced(row[0], name, row[1])
        note = ""
        # One addition keeps the answer readable; the first is the one that the document put first.
        for title, cell in zip(header[2:], row[2:], strict=False):
            said = cell.rstrip(".")
            if not said or said in {"-", "\u2013", "\u2014", "n/a", "N/A"}:
                continue
            if _is_sentence(cell):
                note = f". {said}"
            elif re.fullmatch(r"(?:notes?|remarks?|comments?|details?|conditions?|)", title.strip(), re.I):
                note = f"; the note beside it says \u201c{label_in_text(said)}\u201d"
            else:
                note = f", and the {label_in_text(title)} is {label_in_text(said)}"
            break
        self._add(*(f"{way.rstrip('.')}{note}." for way in first), subject=label, kind="row")

    def _entry(self, label: str, value: str) -> None:
        parts = sentences_of(value)
        if _AMOUNT.match(value) or value.lower().rstrip(".") in _NOTHING:
            rest = parts[1:] if not any(_LEANS.match(part) for part in parts[1:]) else []
            name, first = self._priced(label, "", parts[0])
            self._add(*(" ".join([way, *rest]) for way in first), subject=name, kind="row")
            return
        name = noun_phrase(label)
        said = value if value.endswith((".", "!")) else f"{value}."
        lowered = lower_first(said)
        if lowered and _is_sentence(said):
            self._add(f"With {name}, {lowered}", subject=name, kind="entry")
        else:
            self._add(f"The entry on {name} reads: {said}", subject=name, kind="entry")

    def _priced(self, label: str, name: str, value: str) -> tuple[str, tuple[str, ...]]:
        """The label as a noun phrase, and wordings for "this costs that"."""
        value = value.rstrip(".")
        measure = is_measure(label)
        noun = noun_phrase(label, "the" if measure else "a")
        if measure and noun == label_in_text(label):
            noun = f"the {noun}"
        if value.lower() in _NOTHING:
            return noun, (f"There is no charge for {noun}.", f"For {noun}, the {self.document} shows no charge.")
        if not _AMOUNT.match(value):
            return noun, (f"For {noun}, the {self.document} says \u201c{label_in_text(value)}\u201d.",)
        if measure:
            return noun, (f"{capitalise(noun)} is {value}.", f"The {self.document} puts {noun} at {value}.")
        usable = name and len(name.split()) <= 3 and not re.fullmatch(r"(?:details?|value|amount|what .*)", name, re.I)
        what = name if usable else "charge" if re.search(r"\b(?:fee|charge|price|tariff)", self.document) else "figure"
        return noun, (
            f"For {noun}, the {what} is {value}.",
            f"The {self.document} lists {noun} at {value}.",
            f"The {what} for {noun} is {value}.",
        )


_NOTHING = {"none", "free", "no charge", "no fee", "$0", "$0.00", "0", "nothing", "no cost"}
_AMOUNT = re.compile(r"(?:up to |from |about |at least |at most |max\.? |min\.? )?(?:\$|\u20ac|\u00a3)?\d", re.I)
_KEYED = re.compile(r"^\*{0,2}([^:.*?]{2,60}?)\s*:\*{0,2}\s+(\S.*)$")
_LEANS = re.compile(
    r"(?:this|that|these|those|it|its|they|their|he|she|such|otherwise|however|instead|then|also|both"
    r"|but|and|or|so|therefore"
    r"|the same|in this case|in that case|for example|neither|after that)\b"
    r"|(?:\S+ ){1,3}(?:it|them|they|these|those|such|this|earlier|sooner|later)\b"
    r"|.*\b(?:that happens|such \w+s|these (?:fees|rules|charges|terms|cases|limits))\b",
    re.I,
)
_REFERS = re.compile(
    r"^(?:see|refer to|note that the table)\b|\b(?:overleaf|the (?:above|following)|this (?:section"
    r"|chapter|table|page))\b"
    r"|\b(?:see|listed|described|shown|given|named|mentioned|stated|set out|table|rules?"
    r"|section) (?:above|below)\b|\b(?:above|below)\.$",
    re.I,
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|can|may|must|will|should|has|have|had|does|do|did|cannot|need|needs"
    r"|applies|apply|costs?|charges?|pays?|ends?"
    r"|starts?|we \w+|you \w+|call|send|bring|ask|tell|write|visit|contact|keep|check|choose|sign|return)\b",
    re.I,
)


def _is_label(text: str) -> bool:
    """Whether a line such as "Effective 1 January 2026." only looks like a sentence."""
    return len(text.split()) <= 6 and not _FINITE.search(text) and not re.search(r"\b\w{3,}(?:s|ed)\b", text)


def _is_sentence(text: str) -> bool:
    return text.endswith((".", "!")) and len(text.split()) >= 4 and bool(_FINITE.search(text)) and text[0].isupper()


def _steps(items: list[str]) -> str:
    """Numbered items as one sentence."""
    starts = ["First, ", "then ", "after that, ", "next, ", "then ", "and finally, "]
    chosen = [*starts[: len(items) - 1], "and finally, "] if len(items) > 2 else ["First, ", "and then "]
    lowered = [item[0].lower() + item[1:] for item in items]
    return "; ".join(f"{start}{item}" for start, item in zip(chosen, lowered, strict=True)) + "."


def _shortened(sentence: str) -> list[str]:
    if len(sentence.split()) <= 40 or "; " not in sentence:
        return [sentence]
    parts = sentence.split("; ")
    return [
        capitalise(part) if part.endswith(".") else f"{capitalise(part)}." for part in parts if not _LEANS.match(part)
    ]


def _plain(text: str) -> str:
    """Markdown inline marks taken away."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\[\^?\d+\]|<[^>\n]{1,80}>", "", text)
    text = re.sub(r"(\*{1,3}|`+|~~)(\S(?:.*?\S)?)\1", r"\2", text)
    text = re.sub(r"(?<!\w)_{1,2}(\S(?:[^_]*\S)?)_{1,2}(?!\w)", r"\1", text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!|$-])", r"\1", text)
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ")).strip()


def read_passages(source: str, document: str, heading: str = "") -> list[Statement]:
    """The quotable statements of a chunk of Markdown, in its order. `document` is its name for mid-sentence."""
    reader = _Reader(document, heading)
    fenced = False
    for raw in source.splitlines():
        line = raw.strip()
        if line.startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if fenced:
            continue
        item = re.match(r"(?:([-*+\u2022])|(\d{1,2}[.)]))\s+(.*)", line)
        title = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if not line or re.fullmatch(r"[-=_*\s]{3,}", line):
            _pause(reader)
        elif title:
            reader.flush()
            reader.lead = reader.asked = ""
            reader.heading = _plain(title[1])
            if reader.heading.endswith("?"):
                reader.asked = reader.heading
        elif line.startswith("|") or line.count(" | ") >= 1:
            if reader.paragraph or reader.items:
                reader.flush()
            cells = [_plain(cell.replace("\\|", "|")) for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            if not all(re.fullmatch(r":?-{2,}:?", cell) for cell in cells):
                reader.rows.append(cells)
        elif item:
            if reader.paragraph or reader.rows:
                reader.flush()
            if reader.items and reader.items[-1][0] != (item[2] is not None):
                reader.flush()
            reader.items.append((item[2] is not None, _plain(item[3])))
        elif reader.items and raw[:1].isspace():
            ordered, text = reader.items[-1]
            reader.items[-1] = (ordered, f"{text} {_plain(line)}")
        else:
            if reader.items or reader.rows:
                reader.flush()
            reader.paragraph.append(_plain(line.lstrip("> ")))
    reader.flush()
    return reader.found


def _pause(reader: _Reader) -> None:
    """A blank line ends a paragraph, but not a list whose items stand apart."""
    if not reader.items:
        reader.flush()
