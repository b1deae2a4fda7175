"""A text as blocks: the parts that Markdown sees, and where each may be cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

SHORT_HEADING = 240  # letters; a longer one is treated as a paragraph when it comes to cutting

# Only blocks are needed; reading the text inside them would cost most of the time.
_MARKDOWN = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
_WHOLE = frozenset({"fence", "code_block", "table_open"})


@dataclass(frozen=True, slots=True)
class Block:
    """The lines [start, end) of one top-level block; it may be cut at `seams` (line numbers)."""

    start: int
    end: int
    kind: Literal["heading", "prose", "whole"] = "prose"
    level: int = 0
    title: str = ""
    seams: tuple[int, ...] = ()
    wholes: frozenset[int] = frozenset()


def blocks_of(lines: list[str], media_type: str) -> list[Block]:
    """Return the blocks in order; lines that Markdown gives no block (link targets, front matter) are paragraphs."""
    found = list(_markdown_blocks(lines)) if media_type == "text/markdown" else []
    blocks: list[Block] = []
    at = 0
    for block in [*found, Block(len(lines), len(lines))]:
        blocks += _paragraphs(lines, at, block.start)
        blocks.append(block)
        at = block.end
    return blocks[:-1]


def _paragraphs(lines: list[str], start: int, end: int) -> Iterator[Block]:
    begun: int | None = None
    for number in range(start, end):
        if not lines[number].strip():
            if begun is not None:
                yield Block(begun, number)
            begun = None
        elif begun is None:
            begun = number
    if begun is not None:
        yield Block(begun, end)


def _markdown_blocks(lines: list[str]) -> Iterator[Block]:
    front = _front_matter(lines)
    tokens = _MARKDOWN.parse("\n".join([""] * front + lines[front:]))
    at = 0
    while at < len(tokens):
        token, first = tokens[at], at
        at += 1
        if token.nesting == 1:
            while not (tokens[at].level == 0 and tokens[at].nesting == -1):
                at += 1
            at += 1
        if token.map is None:
            continue
        start, end = token.map
        if token.type == "heading_open":
            title = _plain_heading(tokens[first + 1].content)
            short = sum(map(len, lines[start:end])) <= SHORT_HEADING
            yield Block(start, end, "heading" if short else "prose", int(token.tag[1:]), title)
        elif token.type in _WHOLE:
            yield Block(start, end, "whole")
        else:
            seams, wholes = _seams(tokens[first + 1 : at])
            yield Block(start, end, seams=seams, wholes=wholes)


def _front_matter(lines: list[str]) -> int:
    """The number of lines of YAML front matter: Markdown would take its last line for the mark of a heading."""
    if lines[0].rstrip() != "---" or len(lines) < 2 or not re.match(r"[\w-]+ *:", lines[1]):
        return 0
    return next((number + 1 for number, line in enumerate(lines[1:200], 1) if line.rstrip() in ("---", "...")), 0)


def _plain_heading(raw: str) -> str:
    children: list[Token] = []
    _MARKDOWN.inline.parse(raw[:200], _MARKDOWN, {}, children)
    # A line break is a token without content.
    return " ".join("".join(child.content if child.type != "softbreak" else " " for child in children).split())


def _seams(inner: list[Token]) -> tuple[tuple[int, ...], frozenset[int]]:
    """Where a list or quotation may be cut: at its items and paragraphs, and around its tables and code."""
    seams: set[int] = set()
    wholes: set[int] = set()
    whole_until = -1
    for token in inner:
        if token.map is None or token.nesting == -1 or token.map[0] < whole_until:
            continue
        seams.add(token.map[0])
        if token.type in _WHOLE:
            whole_until = token.map[1]
            seams.add(whole_until)
            wholes.add(token.map[0])
    return tuple(sorted(seams)), frozenset(wholes)
