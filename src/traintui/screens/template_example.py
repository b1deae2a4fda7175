"""What a template is tried with: a real passage, and values of the vocabulary by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.data.records import ChunkRecord, VocabularyValue
from traintui.importing.chunks import estimate_tokens

if TYPE_CHECKING:
    from traintui.generation.prompt import Context, Prompt, TemplateKind

DRAWN = ("persona", "emotion", "topic", "intent", "tone", "tier")
LIMIT = 60
SHORT = 22
ANSWER = 300
"""Characters of a passage that answer in the turns of an example."""
STAND_IN = "none_yet"
"""What stands where a dimension has no active value."""


@dataclass(frozen=True, slots=True)
class Example:
    """A passage, None where there are no documents, and a value of each dimension."""

    chunk: ChunkRecord | None
    values: Mapping[str, VocabularyValue]
    exchanges: int
    variation: int

    @property
    def whole(self) -> bool:
        """Whether every dimension has a value of the vocabulary."""
        return STAND_IN not in {value.value for value in self.values.values()}

    @property
    def said(self) -> Content:
        """What it is in one line."""
        parts = [text.shown(self.values[name].label, single_line=True, limit=30) for name in DRAWN]
        return Content.assemble(Content.styled(" · ", "$faint").join(parts), ("   ", ""), self._where())

    def _where(self) -> Content:
        if self.chunk is None:
            return Content.styled("without a source: no documents yet", "$muted")
        heading = f" > {self.chunk.heading}" if self.chunk.heading else ""
        return text.shown(f"{self.chunk.title}{heading}", single_line=True, limit=LIMIT, style="$muted")


def drawn(labels: Mapping[tuple[str, str], VocabularyValue], chunk: ChunkRecord | None, dice: random.Random) -> Example:
    """An example by chance. A dimension without active values has a stand-in that says so."""
    values = {}
    for dimension in DRAWN:
        known = [value for value in labels.values() if value.dimension == dimension and value.active]
        values[dimension] = dice.choice(known) if known else VocabularyValue(dimension, STAND_IN, f"({dimension})")
    return Example(chunk, values, dice.randint(2, 4), dice.randint(1, 99))


def context_of(example: Example, kind: TemplateKind = "conversation") -> Context:
    """An example as a template sees it; as a rubric or a template for turns anew does, with two turns about its
    passage. Loads the templates' language."""
    from traintui.data.judgement_records import CRITERIA
    from traintui.generation.prompt import Facet, PromptContext, RegenerationContext, RubricContext, Source, SpokenTurn

    def facet(dimension: str) -> Facet:
        value = example.values[dimension]
        return Facet(value.value, value.label, value.description)

    chunk = example.chunk
    source = Source(chunk.title, chunk.heading, chunk.content) if chunk else None
    persona, emotion, topic, intent, tone = (facet(dimension) for dimension in DRAWN[:-1])
    tier = example.values["tier"].value
    if kind != "conversation":
        said = " ".join(chunk.content.split())[:ANSWER] if chunk else "I would have to look that up."
        asked = f"What holds for {chunk.heading or chunk.title}?" if chunk else "What holds here?"
        turns = SpokenTurn(1, "user", asked), SpokenTurn(2, "assistant", said)
        if kind == "regeneration":
            why = "The answer is not exact", "Name the amount."
            return RegenerationContext(persona, emotion, topic, intent, tone, tier, source, None, turns, 2, 2, *why)
        return RubricContext(persona, emotion, topic, intent, tone, tier, source, None, turns, tuple(CRITERIA))
    return PromptContext(
        persona, emotion, topic, intent, tone, tier, source, exchanges=example.exchanges, variation=example.variation
    )


def names_of(context: Context) -> Iterator[Content]:
    """Every name that a template may use, with what it is in the example."""
    for field in fields(context):
        value = getattr(context, field.name)
        if value is None or isinstance(value, str | int):
            yield _name(field.name, "none" if value is None else str(value))
        elif isinstance(value, tuple):
            parts = [each if isinstance(each, str) else f"{each.number} {each.role}" for each in value]
            yield _name(field.name, ", ".join(parts))
            if value and not isinstance(value[0], str):
                yield from (_name(f"  .{inner.name}", str(getattr(value[0], inner.name))) for inner in fields(value[0]))
        else:
            for inner in fields(value):
                yield _name(f"{field.name}.{inner.name}", getattr(value, inner.name))


def _name(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<20} ", "$accent"), text.shown(value or "(empty)", single_line=True, limit=SHORT,
                                                                    style="$muted"))  # fmt: skip


def preview_of(prompt: Prompt, example: Example) -> list[Content]:
    """A prompt as it would be sent, in lines."""
    lines = [example.said]
    for title, said in (("System prompt", prompt.system), ("User message", prompt.user)):
        size = f"  {text.count(len(said))} characters, ~{text.tokens(estimate_tokens(said))} tokens"
        lines += [Content(""), Content.assemble((title, "bold"), (size, "$muted"))]
        lines += [text.shown(line) for line in (said or "(empty)").splitlines()]
    return lines
