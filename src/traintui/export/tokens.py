"""How many tokens a text has: counted with the model's own tokenizer where its file is on disk, else estimated."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
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


class Remembering:
    """Another counter that counts the same text once: for a conversation that several targets are held against."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self._counts: dict[str, int] = {}

    @property
    def name(self) -> str:
        """What counts."""
        return self._counter.name

    @property
    def is_estimate(self) -> bool:
        """Whether that is an estimate."""
        return self._counter.is_estimate

    def count(self, content: str) -> int:
        """The tokens of a text."""
        counted = self._counts.get(content)
        if counted is None:
            counted = self._counts[content] = self._counter.count(content)
        return counted

    def character_at(self, content: str, tokens: int) -> int:
        """How many characters the first so many tokens take."""
        return self._counter.character_at(content, tokens)


class FileTokenizer:
    """A tokenizer of a `tokenizer.json`."""

    is_estimate = False

    def __init__(self, name: str, tokenizer: Any) -> None:
        self.name = name
        self._tokenizer = tokenizer

    # In batches of one: those let other threads run, while `encode` keeps a whole screen waiting (tokenizers 0.23).

    def count(self, content: str) -> int:
        """The tokens of a text, without those that a template adds."""
        (encoded,) = self._tokenizer.encode_batch_fast([content], add_special_tokens=False)
        return len(encoded.ids)

    def character_at(self, content: str, tokens: int) -> int:
        """How many characters the first so many tokens take."""
        (encoded,) = self._tokenizer.encode_batch([content], add_special_tokens=False)
        offsets = encoded.offsets
        if tokens >= len(offsets):
            return len(content)
        return int(offsets[tokens][0]) if tokens > 0 else 0


class NoTokenizer(TraintuiError):
    """Tokens cannot be counted here. `why` goes on from the name of the tokenizer."""

    def __init__(self, message: str, remedy: str, why: str) -> None:
        super().__init__("Tokens cannot be counted", message, remedy)
        self.why = why


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts on this machine, and, where that is an estimate in place of a tokenizer, why: a sentence."""

    counter: TokenCounter
    instead: str | None = None


def counter_of(path: Path | None) -> TokenCounter:
    """What counts tokens where this file is named, or none. The last one that was read is kept.

    Raises `NoTokenizer` when the file is not there or is no tokenizer, or the package that reads it is not installed:
    an estimate in its place would be taken for a count.
    """
    if path is None:
        return Estimate()
    path = file_of(path)
    try:
        stamp = path.stat()
        return _read(path, stamp.st_mtime_ns, stamp.st_size)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _unusable(path, "is not on this machine") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "cannot be read") from error


def counting_of(path: Path | None) -> Counting:
    """What counts tokens in a workspace that names this file: on a machine that cannot use it the estimate does."""
    try:
        return Counting(counter_of(path))
    except NoTokenizer as error:
        assert path is not None  # noqa: S101 - an estimate needs no file
        return Counting(Estimate(), f"Tokens are estimated: the workspace's tokenizer, {name_of(path)}, {error.why}.")


def file_of(path: Path) -> Path:
    """The file that is meant: `~` is the home on this machine, and a directory has a `tokenizer.json`."""
    try:
        path = path.expanduser()
    except RuntimeError:  # there is no such home
        return path
    return path / "tokenizer.json" if path.is_dir() else path


def name_of(path: Path) -> str:
    """What people call a tokenizer: the directory of its model, or its own name where the file has one."""
    return path.parent.name if path.name == "tokenizer.json" and path.parent.name else path.stem


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int, _size: int) -> FileTokenizer:
    # Children that an app starts would have it warn on the terminal that it was used in several threads before.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise NoTokenizer(
            "the package tokenizers is not installed.",
            "Install traintui[tokenizers], or name no tokenizer, to estimate.",
            "cannot be read without the package tokenizers",
        ) from error
    content = path.read_text(encoding="utf-8")
    try:
        return FileTokenizer(name_of(path), Tokenizer.from_str(content))
    except Exception as error:  # the package raises nothing more exact
        raise _unusable(path, "is no tokenizer.json") from error


def _unusable(path: Path, why: str) -> NoTokenizer:
    return NoTokenizer(f"{path} {why}.", "Name the tokenizer.json of the model, or none, to estimate.", why)
