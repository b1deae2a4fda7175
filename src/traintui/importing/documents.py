"""A person's document, read and cut into chunks."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from traintui.errors import TraintuiError
from traintui.importing.blocks import blocks_of
from traintui.importing.chunks import ChunkText, chunk
from traintui.importing.files import decode, empty, read_bytes, shown
from traintui.importing.recognise import MEDIA_TYPES

MAX_DOCUMENT_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document as it will be stored. `sha256` is the digest of `content` in UTF-8."""

    name: str
    title: str
    media_type: str
    content: str
    sha256: bytes
    chunks: tuple[ChunkText, ...]


def read_document(path: Path) -> DocumentText:
    """Return the document in a Markdown or plain text file, cut into chunks; line ends are LF, a BOM is dropped.

    Raises TraintuiError if the file is missing, a directory, unreadable, empty, over 20 MB, not UTF-8, or holds NUL
    bytes.
    """
    content = decode(path, read_bytes(path, limit=MAX_DOCUMENT_BYTES)).replace("\r\n", "\n").replace("\r", "\n")
    if not content.strip():
        raise empty(path)
    if (nul := content.find("\0")) >= 0:
        line = content.count("\n", 0, nul) + 1
        raise TraintuiError(
            "Not a text file",
            f"{shown(path)} holds a NUL byte in line {line}.",
            "Export it as Markdown or plain text and import that.",
        )
    media_type = MEDIA_TYPES.get(path.suffix.lower(), "text/plain")
    lines = content.split("\n")
    blocks = blocks_of(lines, media_type)
    stem = shown(Path(path.stem))
    return DocumentText(
        name=_slug(stem),
        title=next((block.title for block in blocks if block.title), stem),
        media_type=media_type,
        content=content,
        sha256=hashlib.sha256(content.encode()).digest(),
        chunks=chunk(lines, blocks),
    )


def _slug(stem: str) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", stem) if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "-", plain.casefold()).strip("-")[:80].rstrip("-") or "document"
