"""What a file is, told by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from traintui.errors import TraintuiError
from traintui.importing.files import opened, shown
from traintui.importing.readers import SUFFIXES, suffix_of

MEDIA_TYPES = {".md": "text/markdown", ".markdown": "text/markdown", ".txt": "text/plain"}


def kind_of(path: Path) -> Literal["document", "conversations", "vocabulary"]:
    """Return what the suffix says the file holds.

    Raises TraintuiError for a suffix that cannot be imported, naming those that can, and for what is no file.
    """
    suffix = path.suffix.lower()
    if suffix in MEDIA_TYPES:
        return "document"
    if suffix_of(path) in SUFFIXES:
        return "conversations"
    if suffix == ".toml":
        return "vocabulary"
    if path.is_dir() or not suffix:
        with opened(path):  # a folder, or nothing at all, is no unknown kind of file
            pass
    raise TraintuiError(
        "Unknown kind of file",
        f"{shown(path)} is neither a document nor a file of conversations or vocabulary.",
        "Documents end in .md, .markdown or .txt, a vocabulary in .toml, conversations in .jsonl, .json, .csv, .tsv or "
        ".parquet, with .gz or .zst behind it where they are packed.",
    )
