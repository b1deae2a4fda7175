"""A text cut into chunks that a conversation can be about."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from traintui.importing.blocks import Block, blocks_of

TARGET_TOKENS = 350
MAX_TOKENS = 500
TINY_TOKENS = 60
OVERLAP_TOKENS = 80
_LETTERS = 4  # to a token, in English prose
_TARGET, _MAX, _TINY, _OVERLAP = (
    tokens * _LETTERS for tokens in (TARGET_TOKENS, MAX_TOKENS, TINY_TOKENS, OVERLAP_TOKENS)
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")  # noqa: RUF001 (full-width marks are meant)


@dataclass(frozen=True, slots=True)
class ChunkText:
    """One part of a document. `ordinal` counts from 1; `heading` is a path like `Fees > Overdraft`, or empty."""

    ordinal: int
    heading: str
    content: str
    token_estimate: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that is not cut any further, and what stood between it and the piece before."""

    text: str
    joint: str = "\n\n"
    kind: Literal["heading", "prose", "whole"] = "prose"
    heading: str = ""

    @property
    def size(self) -> int:
        return len(self.joint) + len(self.text)


def chunks_of(content: str, media_type: str = "text/markdown") -> tuple[ChunkText, ...]:
    """Return the chunks of a text with LF line ends, about 350 tokens each; a pure function of its arguments."""
    lines = content.split("\n")
    return chunk(lines, blocks_of(lines, media_type))


def estimate_tokens(text: str) -> int:
    """Return the number of tokens to reckon with, at four letters each, rounded up."""
    return -(-len(text) // _LETTERS)


def chunk(lines: list[str], blocks: list[Block]) -> tuple[ChunkText, ...]:
    """Return the chunks of a text that is already in blocks."""
    groups: list[list[_Piece]] = []
    for section in _sections(lines, blocks):
        if groups and _size(groups[-1]) < _TINY:
            groups[-1] += section
        else:
            groups.append(section)
    if len(groups) > 1 and _size(groups[-1]) < _TINY:
        tail = groups.pop()
        groups[-1] += tail
    drafts = [draft for group in groups for draft in _pack(group)]
    return tuple(
        ChunkText(ordinal, _main_heading(draft), text := _text(draft), estimate_tokens(text))
        for ordinal, draft in enumerate(drafts, 1)
    )


def _sections(lines: list[str], blocks: list[Block]) -> Iterator[list[_Piece]]:
    """The pieces under each heading. The document's one title is no part of the paths below it."""
    tops = [block for block in blocks if block.level == 1]
    named = [block for block in blocks if block.level]
    title = tops[0] if len(tops) == 1 and named[0] is tops[0] else None
    path: list[tuple[int, str]] = []
    section: list[_Piece] = []
    heading = ""
    for block in blocks:
        if block.level:
            if section:
                yield section
            section = []
            path = [(level, name) for level, name in path if level < block.level]
            if block.title:
                path.append((block.level, block.title))
            names = [name for level, name in path if title is None or level > 1]
            heading = " > ".join(names) if names else block.title
        section += [replace(piece, heading=heading) for piece in _pieces(lines, block)]
    if section:
        yield section


def _pieces(lines: list[str], block: Block) -> Iterator[_Piece]:
    text = _joined(lines, block.start, block.end)
    if not text.strip():
        return
    if len(text) <= _MAX:
        # A list around a table or code is kept out of the overlap, as those are.
        yield _Piece(text, kind="whole" if block.wholes else block.kind)
        return
    if block.kind == "whole":
        yield from _split_whole(text)
        return
    joint = "\n\n"
    bounds = [block.start, *(seam for seam in block.seams if block.start < seam < block.end), block.end]
    for start, end in itertools.pairwise(bounds):
        text = _joined(lines, start, end)
        if not text.strip():
            continue
        if len(text) <= _MAX:
            yield _Piece(text, joint, "whole" if start in block.wholes else "prose")
        else:
            parts = _split_whole(text) if start in block.wholes else _split_prose(text)
            yield from (replace(part, joint=part.joint if index else joint) for index, part in enumerate(parts))
        joint = "\n" if lines[end - 1].strip() else "\n\n"


def _joined(lines: list[str], start: int, end: int) -> str:
    return "\n".join(lines[start:end]).strip("\n").rstrip()


def _split_whole(text: str) -> Iterator[_Piece]:
    """A table or code that exceeds the maximum alone: by lines, a table with its head again in each part."""
    rows = text.split("\n")
    head = "\n".join(rows[:2]) + "\n" if re.fullmatch(r"[\s|:+-]+", rows[1] if len(rows) > 1 else "") else ""
    if len(head) > _TINY or "|" not in head:
        head = ""
    part = ""
    for row in rows:
        grown = f"{part}\n{row}" if part else row
        if len(grown) <= _MAX:
            part = grown
            continue
        if part.strip():
            yield _Piece(part, "\n", "whole")
        part = head + row
        if len(part) > _MAX:
            yield from _split_prose(part)
            part = ""
    if part.strip():
        yield _Piece(part, "\n", "whole")


def _split_prose(text: str) -> Iterator[_Piece]:
    """Sentences, short ones together; windows between words where a sentence exceeds the maximum."""
    held, held_joint = "", ""
    for sentence, joint in _cut(_SENTENCE_END, text):
        if held and len(held) + len(joint) + len(sentence) > _OVERLAP:
            yield _Piece(held, held_joint)
            held = ""
        if len(sentence) > _MAX:
            yield from _windows(sentence, joint)
        elif held:
            held += joint + sentence
        else:
            held, held_joint = sentence, joint
    if held:
        yield _Piece(held, held_joint)


def _windows(sentence: str, joint: str) -> Iterator[_Piece]:
    at = 0
    while at < len(sentence):
        window = sentence[at : at + _TARGET]
        end = len(window)
        if at + end < len(sentence):
            end = next((cut + 1 for cut in range(end - 1, 0, -1) if window[cut].isspace()), end)
        if (text := window[:end].rstrip()).strip():
            yield _Piece(text, joint)
        joint = " " if window[:end][-1:].isspace() else ""
        at += end


def _cut(boundary: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    at, joint = 0, ""
    for match in boundary.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], joint
        at = match.end()
        joint = "\n" if "\n" in match[0] else " " if match[0] else ""
    if at < len(text):
        yield text[at:], joint


def _pack(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Chunks as near to the target as whole pieces allow; each begins with the end of the one before it."""
    drafts: list[list[_Piece]] = []
    current: list[_Piece] = []
    lead: list[_Piece] = []
    size = 0
    for piece in pieces:
        while current and _is_full(current, size, piece):
            carried = _pop_headings(current)
            drafts.append(current)
            lead = [] if carried else _lead(current[-1], piece)
            current = [*lead, *carried]
            size = _size(current)
        current.append(piece)
        size += piece.size
    fresh = current[len(lead) :]
    if drafts and _size(fresh) < _TINY and _size(drafts[-1]) + _size(fresh) <= _MAX:
        drafts[-1] += fresh
    elif current:
        drafts.append(current)
    return drafts


def _is_full(current: list[_Piece], size: int, piece: _Piece) -> bool:
    grown = size + piece.size
    if all(held.kind == "heading" for held in current):
        return grown > _MAX + _TINY  # a heading stays with its text, for a little more than the maximum
    return grown > _MAX or grown - _TARGET > _TARGET - size


def _pop_headings(current: list[_Piece]) -> list[_Piece]:
    """Take the headings off the end of `current`, unless it holds nothing else: they belong to what follows."""
    carried: list[_Piece] = []
    if all(piece.kind == "heading" for piece in current):
        return carried
    while current[-1].kind == "heading":
        carried.insert(0, current.pop())
    return carried


def _lead(last: _Piece, following: _Piece) -> list[_Piece]:
    """The end of the chunk before, for the next one: a short paragraph, or its last sentences."""
    if last.kind != "prose" or last.heading != following.heading or following.size > _MAX - _OVERLAP - 2:
        return []
    if len(last.text) <= _OVERLAP:
        return [last]
    text = ""
    for sentence, _ in reversed(list(_cut(_SENTENCE_END, last.text))):
        if len(sentence) + len(text) >= _OVERLAP:
            break
        text = f"{sentence} {text}".strip()
    return [replace(last, text=text)] if text else []


def _size(pieces: list[_Piece]) -> int:
    return sum(piece.size for piece in pieces)


def _text(draft: list[_Piece]) -> str:
    return (draft[0].text + "".join(piece.joint + piece.text for piece in draft[1:])).strip("\n")


def _main_heading(draft: list[_Piece]) -> str:
    sizes = Counter[str]()
    for piece in draft:
        sizes[piece.heading] += len(piece.text)
    return sizes.most_common(1)[0][0]
