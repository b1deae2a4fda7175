"""How many tokens a text has: counted with the model's own tokenizer where its file is on disk, else estimated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from traintui.errors import TraintuiError

CHARACTERS_PER_TOKEN = 4
"""As everywhere in the app (`generation/estimate.py`; a test holds them together)."""
MESSAGE_TOKENS = 5
"""What a template adds to a message: what opens it, the role, a line end, what closes it (ChatML, Llama 3: 5 each)."""


class TokenCounter(Protocol):
    """Counts tokens. `name` is what people are told that counts."""

    @property
    def name(self) -> str: ...
    @property
    def is_estimate(self) -> bool: ...
    def count(self, content: str) -> int:
        """The tokens of a text."""
        ...

    def character_at(self, content: str, tokens: int) -> int:
        """How many characters the first so many tokens of a text take."""
        ...


class Estimate:
    """Four characters are a token."""

    name = "estimate"
    is_estimate = True

    def count(self, content: str) -> int:
        """The tokens of a text, rounded up."""
        return -(-len(content) // CHARACTERS_PER_TOKEN)

    def character_at(self, content: str, tokens: int) -> int:
        """How many characters the first so many tokens take."""
        return min(len(content), max(0, tokens) * CHARACTERS_PER_TOKEN)


class FileTokenizer:
    """A tokenizer of a `tokenizer.json`."""

    is_estimate = False

    def __init__(self, path: Path, tokenizer: Any) -> None:
        self.name = path.parent.name if path.name == "tokenizer.json" and path.parent.name else path.stem
        self._tokenizer = tokenizer

    def count(self, content: str) -> int:
        """The tokens of a text, without those that a template adds."""
        return len(self._tokenizer.encode(content, add_special_tokens=False).ids)

    def character_at(self, content: str, tokens: int) -> int:
        """How many characters the first so many tokens take."""
        offsets = self._tokenizer.encode(content, add_special_tokens=False).offsets
        if tokens >= len(offsets):
            return len(content)
        return int(offsets[tokens][0]) if tokens > 0 else 0


def counter_of(path: Path | None) -> TokenCounter:
    """What counts tokens in a workspace that names this file, or none.

    Raises `TraintuiError` when the file is not there or is no tokenizer, or the package that reads it is not installed:
    an estimate in its place would be taken for a count.
    """
    if path is None:
        return Estimate()
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise TraintuiError(
            "Tokens cannot be counted", "the package tokenizers is not installed.",
            "Install traintui[tokenizers], or take the tokenizer out of the settings to estimate.",
        ) from error  # fmt: skip
    path = path.expanduser()
    if path.is_dir():
        path = path / "tokenizer.json"
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "cannot be read") from error
    try:
        return FileTokenizer(path, Tokenizer.from_str(content))
    except Exception as error:  # the package raises nothing more exact
        raise _unusable(path, "is no tokenizer.json") from error


def _unusable(path: Path, why: str) -> TraintuiError:
    return TraintuiError(
        "Tokens cannot be counted", f"{path} {why}.",
        "Name the tokenizer.json of the model, or take it out of the settings to estimate.",
    )  # fmt: skip
