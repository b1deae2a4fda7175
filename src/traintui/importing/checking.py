"""A file of conversations, recognised and read to its end: what is good, and why each other record is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson

from traintui.data.key_rules import NO_KEYS, KeyRules
from traintui.data.metadata_rules import NO_RULES, Rules
from traintui.errors import TraintuiError
from traintui.importing.conversations import FORMATS, Format, ImportedConversation, LineProblem, Refused, brief
from traintui.importing.files import empty, shown
from traintui.importing.lines import MAX_LINE_BYTES
from traintui.importing.mapping import GROUPED, Mapping
from traintui.importing.own_records import carried
from traintui.importing.readers import Row, Source, rows, source_of
from traintui.importing.seen_ids import SeenIds
from traintui.importing.shapes import SHAPES, Ignored, Shape, conversation_of, recognised

MOST_METADATA = 65_536
"""Bytes of a conversation's metadata as text; the database refuses more."""
PROBLEMS_KEPT = 1_000
VALUES_KEPT = 1_000
"""Different values of dimensions that are counted."""
KEYS_NAMED = 12
"""Keys that become metadata which are named."""
LONGEST_KEY = 40
"""Characters of such a key."""
NOT_RECOGNISED = "Format not recognised"
"""What an answer is called that a mapping may help with."""
LOOKED_AT = 100
"""Records among which the first of a known shape is looked for."""

OnBad = Callable[[LineProblem, bytes], None]


class Stop(Protocol):
    """What says that somebody wants no more of it."""

    def is_set(self) -> bool:
        """Whether it is over."""
        ...


_NAMES = {"jsonl": "JSON lines", "json": "a JSON document", "csv": "a table", "parquet": "Parquet"}


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is: how it holds its records, their shape, and in `seen` what told it, in a sentence. `rules` are
    what the metadata of its conversations has to fit, `keys` what single keys of it have to hold."""

    source: Source
    shape: Shape
    mapping: Mapping | None
    seen: str
    rules: Rules = NO_RULES
    keys: KeyRules = NO_KEYS

    @property
    def format(self) -> Format:
        """The name of the shape."""
        return self.shape.name


@dataclass(slots=True)
class Findings:
    """What one pass found. `problems` are the first thousand of `bad`; `ignored` names keys inside messages that have
    no place in a turn; `values` counts how often each value of a dimension was there. `metadata` has the first keys
    that become metadata, `more_metadata` counts the others; `with_system` are conversations with a system prompt."""

    good: int = 0
    bad: int = 0
    turns: int = 0
    problems: list[LineProblem] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    ignored: Ignored = field(default_factory=dict)
    values: Counter[tuple[str, str]] = field(default_factory=Counter)
    metadata: dict[str, None] = field(default_factory=dict)
    more_metadata: int = 0
    with_system: int = 0
    _keys: set[str] = field(default_factory=set)

    def refuse(self, problem: LineProblem) -> None:
        """Counts a problem, and keeps it if it is among the first."""
        self.bad += 1
        self.kinds[problem.what] += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)

    def take(self, conversation: ImportedConversation) -> None:
        """Counts a good conversation."""
        self.good += 1
        self.turns += len(conversation.turns)
        for pair in conversation.dimensions.items():
            if pair in self.values or len(self.values) < VALUES_KEPT:
                self.values[pair] += 1
        self.with_system += conversation.system_prompt is not None
        for key in conversation.metadata:
            if key not in self._keys and len(self._keys) < VALUES_KEPT:
                self._keys.add(key)
                self._name(key)

    def _name(self, key: str) -> None:
        if len(self.metadata) < KEYS_NAMED:
            self.metadata[key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}…"] = None
        else:
            self.more_metadata += 1


def recognise(path: Path, format: Format | None = None, mapping: Mapping | None = None) -> Recognised:
    """What a file is; without `format` by the first record of a known shape among its first hundred.

    Raises TraintuiError if it cannot be read, is empty, or is of no shape that is known, with what is there instead.
    """
    if format is not None and format not in SHAPES:
        raise NotRecognised(path, f"“{format}” is no format of conversations")
    source = source_of(path, mapping.steps if mapping else (), _is_record)
    if mapping is not None and mapping.moves_turns:
        return Recognised(source, SHAPES["openai"], mapping, f"{_kind(source)}, turns where the mapping says")
    if format is not None:
        return Recognised(source, SHAPES[format], mapping, f"{_kind(source)} in the shape {format}, as was asked for")
    first = ""
    for number, row in enumerate(rows(source)):
        if number == LOOKED_AT:
            break
        if row.record is None:
            first = first or (f"{source.place} {row.line}: {row.problem.why}" if row.problem else "")
            continue
        try:
            shape = recognised(mapping.mapped(row.record) if mapping else row.record)
        except Refused as refused:
            raise TraintuiError(
                "Not a file of conversations",
                f"{shown(path)}, {source.place} {row.line}: {refused.why}",
                "Import the conversations that it was made of. Nothing was stored.",
            ) from refused
        if shape is not None:
            return Recognised(
                source,
                shape,
                mapping,
                f"{_kind(source)} in the shape {shape.name}: {shape.seen} in {source.place} {row.line}",
            )
        keys = ", ".join(f"“{brief(key).strip(chr(39))}”" for key in list(row.record)[:12]) or "none"
        first = first or f"the record in {source.place} {row.line} is of no known shape; its keys are {keys}"
    if not first:
        raise empty(path)
    raise NotRecognised(path, first.rstrip("."))


def conversations(
    known: Recognised, findings: Findings, on_bad: OnBad = lambda _problem, _raw: None
) -> Iterator[ImportedConversation]:
    """Every good conversation of a file, one at a time in constant memory; `findings` gets the rest.

    `on_bad` gets each problem with what the file has in its place, which is empty where that is not held. Raises
    TraintuiError, with the line, where the file cannot be read on.
    """
    seen = SeenIds()
    given = rows(known.source)
    if known.mapping is not None and known.mapping.group is not None:
        given = _grouped(given, known.mapping.group, known.mapping.turns.keys)
    for row in given:
        if row.record is None:
            problem = row.problem or LineProblem(row.line, "not read", "The record could not be read.")
        else:
            try:
                conversation = _checked(row.line, row.record, known, findings.ignored, seen)
            except Refused as refused:
                problem = LineProblem(row.line, refused.what, refused.why)
            else:
                findings.take(conversation)
                yield conversation
                continue
        findings.refuse(problem)
        on_bad(problem, row.raw)
    if not findings.good and not findings.bad:
        raise empty(known.source.path)


def first(known: Recognised) -> ImportedConversation | LineProblem:
    """The first conversation of a file; where none of the first hundred records is one, what is wrong with the first.

    Raises like `conversations`.
    """
    findings = Findings()
    try:
        for conversation in conversations(known, findings, partial(_no_more, findings)):
            return conversation
    except _EnoughError:
        pass
    return findings.problems[0]


class _EnoughError(Exception):
    """There is no need to read on."""


def _no_more(findings: Findings, _problem: LineProblem, _raw: bytes) -> None:
    if findings.bad >= LOOKED_AT:
        raise _EnoughError


def check(
    known: Recognised,
    on_bad: OnBad = lambda _problem, _raw: None,
    findings: Findings | None = None,
    stop: Stop | None = None,
) -> Findings:
    """Reads a file to its end and keeps nothing of it. Raises like `conversations`.

    `findings`, where they are given, may be looked at from another thread meanwhile. A `stop` that is set ends it.
    """
    findings = Findings() if findings is None else findings
    for _ in conversations(known, findings, on_bad):
        if stop is not None and stop.is_set():
            break
    return findings


def _checked(
    line: int, record: dict[str, Any], known: Recognised, ignored: Ignored, seen: SeenIds
) -> ImportedConversation:
    """The conversation in a record, by its shape and by what holds between records."""
    identity = record.get("conversation_id", record.get("id"))
    if known.mapping is not None:
        identity = record.get(known.mapping.group) if known.mapping.group else identity
        record = known.mapping.mapped(record)
    conversation = conversation_of(line, record, known.shape, ignored)
    if known.mapping is not None and known.mapping.values:
        for dimension, value in conversation.dimensions.items():
            conversation.dimensions[dimension] = known.mapping.value_of(dimension, value)
    if len(orjson.dumps(conversation.metadata)) * 5 // 4 > MOST_METADATA:
        raise Refused("metadata too large", "Its other keys hold more than 50 kB.")
    misfits = {
        why: None for rule in (known.rules, known.keys) if (why := rule.problem(conversation.metadata)) is not None
    }
    if misfits:
        raise Refused("metadata does not fit", f"{'; '.join(misfits)}.")
    carried(conversation)
    if isinstance(identity, str | int) and not isinstance(identity, bool) and identity != "":
        before = seen.add(str(identity), line)
        if before is not None:
            raise Refused("id again", f"The id {brief(identity)} is in line {before} already.")
    return conversation


def _grouped(given: Iterator[Row], key: str, of_turns: frozenset[str]) -> Iterator[Row]:
    """Rows of turns as records of conversations: those that follow one another with the same value of `key`."""
    held: list[Row] = []
    size = 0
    for row in given:
        if row.record is None:
            yield row
            continue
        identity = row.record.get(key)
        if identity is None:
            why = f"The row has nothing in “{key}”, which says whose turn it is."
            yield Row(row.line, None, LineProblem(row.line, "no conversation", why), row.raw)
            continue
        if held and (held[0].record or {}).get(key) != identity:
            yield _group(held, size, of_turns)
            held, size = [], 0
        size += len(row.raw)
        if size <= MAX_LINE_BYTES or not held:
            held.append(row)
    if held:
        yield _group(held, size, of_turns)


def _group(held: list[Row], size: int, of_turns: frozenset[str]) -> Row:
    """One record of some rows: what is alike in all of them is the conversation's, the rest each turn's."""
    first = held[0]
    if size > MAX_LINE_BYTES:
        why = f"The rows of one conversation hold more than {MAX_LINE_BYTES // 1_000_000} MB."
        return Row(first.line, None, LineProblem(first.line, "conversation too long", why), b"")
    turns = [row.record for row in held if row.record]
    alike = {
        name: value
        for name, value in turns[0].items()
        if name not in of_turns and all(turn.get(name) == value for turn in turns)
    }
    rest = [{name: value for name, value in turn.items() if name not in alike} for turn in turns]
    return Row(first.line, alike | {GROUPED: rest}, None, b"\n".join(row.raw for row in held))


def _is_record(value: Any) -> bool:
    try:
        return isinstance(value, dict) and recognised(value) is not None
    except Refused:
        return False


def _kind(source: Source) -> str:
    inside = _NAMES[source.container]
    if source.compression:
        inside += f" packed with {source.compression}"
    return f"{inside}, records under “{'.'.join(source.steps)}”" if source.steps else inside


class NotRecognised(TraintuiError):
    """A file of no shape that is known. A mapping may help with it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            NOT_RECOGNISED,
            f"{shown(path)} was not imported: {why}.",
            f"Known are {', '.join(FORMATS)}; a file of another shape needs a mapping (--mapping), as the guide says.",
        )
        self.path = path
