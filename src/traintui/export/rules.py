"""What targets really do with a conversation: what they refuse, cut, drop or pass over, as data.

A rule is read from the target's own code or guide; `TargetRules` says where. Versions: TRL 1.16.0, Axolotl 0.19.0,
LLaMA-Factory 0.9.5, Unsloth 2026.10.9, Together 2.0.0 (later ones check conversations on the server), mistral-common
1.13.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from traintui.data.records import Turn
from traintui.export.record import has_text

Excess = Literal["cut", "pairs", "drop"]
"""What becomes of a conversation beyond the limit: its end is cut off; pairs from the limit on are left out and the one
that reaches it is shortened; all of it is dropped."""
Learns = Literal["answers", "last answer", "everything"]
"""What a target trains on unless it is told otherwise."""


class Severity(StrEnum):
    """What a finding means for the export."""

    REFUSED = "refused by the target"
    CUT = "cut by default"
    IGNORED = "ignored"
    NOTHING = "gives no row"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `one` and `many` go on from how many conversations break it; `key` is the key of Review that mends it."""

    name: str
    severity: Severity
    key: str | None
    one: str
    many: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of a conversation: `says` is a sentence, `turn` the number of the turn that it is about (None:
    the whole), `character` the place in its text from which on it holds."""

    rule: Rule
    turn: int | None
    says: str
    character: int | None = None

    @property
    def severity(self) -> Severity:
        """What it means for the export."""
        return self.rule.severity

    @property
    def key(self) -> str | None:
        """The key of Review that mends it."""
        return self.rule.key


NOT_TEXT = Rule("not text", Severity.REFUSED, "e", "holds what no file can hold", "hold what no file can hold")
EMPTY = Rule("empty", Severity.REFUSED, "e", "has an empty turn", "have an empty turn")
TOO_FEW = Rule("too few turns", Severity.REFUSED, "E", "has no exchange", "have no exchange")
FIRST = Rule("first", Severity.REFUSED, "E", "begins with the assistant", "begin with the assistant")
ALTERNATES = Rule("alternates", Severity.REFUSED, "E", "does not alternate", "do not alternate")
LAST = Rule("last", Severity.REFUSED, "E", "ends with the user", "end with the user")
UNTRAINED = Rule("untrained", Severity.REFUSED, "w", "has no answer to train on", "have no answer to train on")
LAST_UNTRAINED = Rule(
    "last untrained", Severity.REFUSED, "w", "has a last answer that is not to be trained on",
    "have a last answer that is not to be trained on",
)  # fmt: skip
TOO_LONG = Rule("too long", Severity.CUT, "e", "too long for {target}'s {limit}", "too long for {target}'s {limit}")
SPECIAL = Rule("special token", Severity.CUT, "e", "holds a token of a template", "hold a token of a template")
WEIGHTS = Rule(
    "weights", Severity.IGNORED, "w", "has marks that {target} does not know", "have marks that {target} does not know"
)
ONLY_LAST = Rule(
    "only last", Severity.IGNORED, None, "is trained on in its last answer alone",
    "are trained on in their last answer alone",
)  # fmt: skip
NO_ROW = Rule("no row", Severity.NOTHING, "t", "gives no row", "give no row")
PARTLY = Rule("partly", Severity.IGNORED, None, "gives fewer rows than decisions", "give fewer rows than decisions")
ASSUMED = Rule("assumed", Severity.IGNORED, "t", "was rejected without a turn", "were rejected without a turn")

RULES = (
    NOT_TEXT, EMPTY, TOO_FEW, FIRST, ALTERNATES, LAST, UNTRAINED, LAST_UNTRAINED, TOO_LONG, SPECIAL, NO_ROW, WEIGHTS,
    ONLY_LAST, PARTLY, ASSUMED,
)  # fmt: skip
"""All of them, what stops an export first."""


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What is known of a target.

    `token_limit` is its default limit for a conversation in tokens, `excess` what it does with a longer one.
    `minimum` and `maximum` are rows in a file, `max_bytes` its size. `special_tokens` says that it puts texts into a
    chat template, `counts_media` that placeholders of media mean something to it. `because` says, by the name of a
    rule, what the target does with what breaks it. `notes` are sentences for the whole export, whatever it holds.
    """

    target: str
    source: str
    token_limit: int | None = None
    excess: Excess = "cut"
    learns: Learns = "answers"
    minimum: int = 1
    maximum: int | None = None
    max_bytes: int | None = None
    special_tokens: bool = False
    counts_media: bool = False
    because: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def why(self, rule: Rule) -> str:
        """What the target does with what breaks a rule."""
        return self.because.get(rule.name) or f"{self.target} refuses that"


SPECIAL_TOKENS = (
    "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eot_id|>", "<|endoftext|>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<s>", "</s>", "[INST]",
    "[/INST]", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|return|>", "<|channel|>", "<|message|>",
)  # fmt: skip
"""What opens or ends a turn in the templates of ChatML, Llama, Gemma, Mistral, Phi, Zephyr and gpt-oss. Their
tokenizers read it inside of a text too (`transformers` 5.24: `split_special_tokens` is false by default), so the turn
breaks off there."""
MEDIA_TOKENS = ("<image>", "<video>", "<audio>")
"""Placeholders that LLaMA-Factory counts against the media of a row (`data/mm_plugin.py`)."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))
_SPECIAL_OR_MEDIA = re.compile("|".join(map(re.escape, SPECIAL_TOKENS + MEDIA_TOKENS)))

Messages = tuple[Turn, ...]
Check = Callable[[str | None, Messages, TargetRules], Iterator[Finding]]


def storable(system_prompt: str | None, turns: Messages, target: TargetRules) -> Iterator[Finding]:
    """A NUL ends a text for some readers, and half of a surrogate pair is no UTF-8."""
    for number, content in [(None, system_prompt or ""), *((turn.number, turn.content) for turn in turns)]:
        where = "The system prompt" if number is None else f"Turn {number}"
        if "\0" in content:
            yield Finding(NOT_TEXT, number, f"{where} holds a NUL character.", content.index("\0"))
        half = _SURROGATE.search(content)
        if half is not None:
            says = f"{where} holds half of a surrogate pair, which is no character."
            yield Finding(NOT_TEXT, number, says, half.start())


def filled(_system_prompt: str | None, turns: Messages, target: TargetRules) -> Iterator[Finding]:
    """No turn is empty, or of blanks."""
    for turn in turns:
        if not has_text(turn.content):
            yield Finding(EMPTY, turn.number, f"Turn {turn.number} is empty: {target.why(EMPTY)}.")


def ordered(_system_prompt: str | None, turns: Messages, target: TargetRules) -> Iterator[Finding]:
    """User first, user and assistant in turn, the assistant last."""
    if len(turns) < 2:
        yield Finding(TOO_FEW, None, f"It has {len(turns)} turns, and an exchange takes two.")
        return
    if turns[0].role != "user":
        yield Finding(FIRST, turns[0].number, f"The first turn is the assistant's: {target.why(FIRST)}.")
    for before, turn in pairwise(turns):
        if before.role == turn.role:
            says = f"Turn {turn.number} is the {turn.role}'s, as is the one before: {target.why(ALTERNATES)}."
            yield Finding(ALTERNATES, turn.number, says)
    if turns[-1].role != "assistant":
        yield Finding(LAST, turns[-1].number, f"It ends with the user: {target.why(LAST)}.")


def trained(_system_prompt: str | None, turns: Messages, target: TargetRules) -> Iterator[Finding]:
    """Something is there to learn from, and it is what the format trains on."""
    answers = [turn for turn in turns if turn.role == "assistant"]
    if answers and not any(turn.train for turn in answers):
        yield Finding(UNTRAINED, None, f"No answer of it is to be trained on: {target.why(UNTRAINED)}.")
    elif target.learns == "last answer" and answers and not answers[-1].train:
        says = f"Turn {answers[-1].number} is not to be trained on, and the format trains on nothing else."
        yield Finding(LAST_UNTRAINED, answers[-1].number, says)


def spelled(system_prompt: str | None, turns: Messages, target: TargetRules) -> Iterator[Finding]:
    """No text holds what a tokenizer reads as the end of a turn. One finding a turn: the first place."""
    if not target.special_tokens:
        return
    known = _SPECIAL_OR_MEDIA if target.counts_media else _SPECIAL
    for number, content in [(None, system_prompt or ""), *((turn.number, turn.content) for turn in turns)]:
        found = known.search(content)
        if found is not None:
            where = "The system prompt" if number is None else f"Turn {number}"
            says = f"{where} holds {found[0]}, which a model with this token reads as its own: the text breaks there."
            yield Finding(SPECIAL, number, says, found.start())


CHECKS: tuple[Check, ...] = (storable, filled, ordered, trained, spelled)
