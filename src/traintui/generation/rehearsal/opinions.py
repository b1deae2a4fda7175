"""Opinions by rule: what the rehearsal says where it is asked to judge a conversation."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traintui.generation.rehearsal.schema import Schema, resolve

TURN = re.compile(r"""<turn\s+number\s*=\s*"(\d+)"\s+role\s*=\s*"(\w+)"\s*>\n?(.*?)\n?</turn>""", re.S | re.I)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_SCORES = ((10, 12), (9, 22), (8, 24), (7, 16), (6, 10), (5, 6), (4, 5), (3, 3), (2, 2))
"""Scores and how often each comes: most is good, some is not."""
_SAID: Mapping[str, tuple[str, str, str]] = {
    "faithful": (
        "Every figure that the assistant names stands in the source.",
        "The figures hold, but one statement says more than the source does.",
        "A statement that matters is not in the source.",
    ),
    "persona": (
        "The member can be recognised in what they ask and how.",
        "The member is right, but anybody could have written most of it.",
        "The member speaks in the words of the document.",
    ),
    "emotion": (
        "The feeling is noticed once and then answered with help.",
        "The feeling is met, but with a stock phrase.",
        "The feeling is overlooked where it mattered.",
    ),
    "useful": (
        "The answer comes first, and the member knows what to do next.",
        "The answer is there, behind more than was asked for.",
        "The real question is only touched.",
    ),
}
_OTHER = ("It does what it should.", "It does most of what it should.", "It does little of what it should.")


@dataclass(frozen=True, slots=True)
class _Turn:
    number: int
    role: str
    text: str


def is_opinion(schema: Schema) -> bool:
    """Whether a schema asks for a score, a sentence and spans for each of its properties."""
    try:
        root = resolve(schema, schema)
        parts = [resolve(part, schema)["properties"] for part in root["properties"].values()]
        return bool(parts) and all({"score", "sentence", "spans"} <= set(part) for part in parts)
    except (KeyError, TypeError, AttributeError):
        return False


def write_opinion(prompt: str, criteria: Sequence[str], seed: str) -> dict[str, Any]:
    """A score, a sentence and a quotation for each criterion. The same prompt and seed give the same opinion."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    turns = [_Turn(int(number), role.lower(), said) for number, role, said in TURN.findall(prompt)]
    return {name: _of(name, turns, rng) for name in criteria}


def _of(name: str, turns: Sequence[_Turn], rng: random.Random) -> dict[str, Any]:
    score = rng.choices([score for score, _ in _SCORES], [often for _, often in _SCORES])[0]
    good, middling, bad = _SAID.get(name, _OTHER)
    of_member = [turn for turn in turns if turn.role == "user"]
    spoken = of_member if name == "persona" else [turn for turn in turns if turn.role == "assistant"]
    pointed = rng.sample(spoken, min(len(spoken), 1 if score >= 8 else 2))
    return {
        "score": score,
        "sentence": good if score >= 8 else middling if score >= 5 else bad,
        "spans": [{"turn": turn.number, "quote": _quoted(turn, rng)} for turn in pointed],
    }


def _quoted(turn: _Turn, rng: random.Random) -> str:
    """A sentence of a turn, or its beginning where that is long."""
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(turn.text) if len(sentence.split()) > 1]
    words = (rng.choice(sentences) if sentences else turn.text).split(" ")
    return " ".join(words[:12])
