"""Other servers that speak the Messages API, as far as they differ from it: what the rehearsal can play."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from traintui.errors import TraintuiError


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a kind of server has of the Messages API. The rest it does not know, or ignores without a word."""

    name: str
    structured_output: bool = True
    count_tokens: bool = True
    caching: bool = True
    batches: bool = True
    rate_limits: bool = True


ANTHROPIC = Likeness("")
LIKE: Mapping[str, Likeness] = {
    "anthropic": ANTHROPIC,
    "vllm": Likeness("vllm", caching=False, batches=False, rate_limits=False),
    "ollama": Likeness("ollama", False, False, False, False, False),
}
"""vLLM holds a model to a schema and counts tokens; Ollama reads neither `output_config` nor other paths than messages.
Neither has a cache that is told of, batches, or limits that it names."""
_SCHEMA = re.compile(r"<schema>\s*(\{.*?\})\s*</schema>", re.DOTALL)


def like(name: str) -> Likeness:
    """The kind of server of that name. Raises `TraintuiError` when there is none."""
    if name not in LIKE:
        raise TraintuiError(
            "No such server", f"The rehearsal plays {', '.join(LIKE)}; not {name!r}.", "Take one of them."
        )
    return LIKE[name]


def schema_in_words(said: str) -> Any:
    """The schema that a prompt asks for in words; None where it asks for none."""
    found = _SCHEMA.search(said)
    try:
        return None if found is None else orjson.loads(found[1])
    except orjson.JSONDecodeError:
        return None


def loosely(text: str) -> str:
    """JSON as a model writes it that nobody holds to a schema: in a fence, with a word before it, and now and then with
    a slight mistake. Other text stays. The same text comes out alike."""
    if not text.startswith("{"):
        return text
    chance = hashlib.sha256(text.encode()).digest()
    broken = BREAKS[chance[0] % len(BREAKS)](text)
    return f"Here is what you asked for:\n\n```json\n{broken}\n```\n" if chance[1] % 4 else broken


BREAKS: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: text,
    lambda text: text.replace('"}]', '",}]', 1),  # a comma too many
    lambda text: text.replace('"},{"', '"} {"', 1),  # one too few
    lambda text: text[:-1],  # without the last bracket
    lambda text: text.replace("\\n", "\n"),  # line ends as they are
)
"""What becomes of the JSON."""
