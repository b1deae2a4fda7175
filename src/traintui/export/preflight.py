"""What a target will do with each conversation, said before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from traintui.data.records import Turn
from traintui.export import rules
from traintui.export.cutting import Cut, Limit, Segment, cut_of
from traintui.export.formats.model import Container, Format
from traintui.export.preferences import Label, Pair, kto_weights, labels_of, pairs_of
from traintui.export.record import Shape, TrainingRecord, has_text, plain
from traintui.export.rules import RULES, Excess, Finding, Messages, Rule, Severity
from traintui.export.tokens import MESSAGE_TOKENS, Estimate, TokenCounter


@dataclass(frozen=True, slots=True)
class TurnFate:
    """What becomes of a turn: its tokens, the template's among them, and whether the target learns from all of it, from
    some or from nothing."""

    number: int
    tokens: int
    trained: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a target will do with a conversation: `findings` with the worst first, `rows` that it gives, `turns` with
    what becomes of each, `tokens` of all of it and `cut` where the target stops reading, if it does. `desirable`
    are the rows whose answer is labelled as it should be; None where rows have no label.

    For preference data `turns` is what stands in the conversation, and lengths are those of its rows.
    """

    conversation_id: str
    findings: tuple[Finding, ...]
    rows: int
    turns: tuple[TurnFate, ...]
    tokens: int
    cut: Cut | None
    desirable: int | None = None

    @property
    def passes(self) -> bool:
        """Whether the target takes it, all of it."""
        return not any(finding.severity is not Severity.IGNORED for finding in self.findings)

    @property
    def is_refused(self) -> bool:
        """Whether it must not be written."""
        return any(finding.severity is Severity.REFUSED for finding in self.findings)


def preflight(record: TrainingRecord, format: Format, counter: TokenCounter, *, limit: int | None = None) -> Preflight:
    """What the target of a format will do with a conversation. `limit` is that of the trainer in tokens, where the
    workspace says it; else the default of the target counts."""
    if format.kind == "own":
        return _own(record, counter)
    bound = Limit(limit or format.rules.token_limit, format.rules.excess)
    if format.kind == "preference":
        return _preference(record, format, counter, bound)
    return _supervised(record, format, counter, bound)


def _supervised(record: TrainingRecord, format: Format, counter: TokenCounter, limit: Limit) -> Preflight:
    target = format.rules
    found = list(_checked(record.system_prompt, record.turns, format))
    segments = segments_of(record.system_prompt, record.turns, counter)
    cut = cut_of(segments, limit, counter)
    if cut is not None:
        found.append(_too_long(cut, target.target, counter))
    if not format.honours_train:
        found += [
            Finding(rules.WEIGHTS, turn.number,
                    f"Turn {turn.number} is marked not to be trained on; {target.target} knows no marks.")
            for turn in record.turns if turn.role == "assistant" and not turn.train
            if target.learns != "last answer"
        ]  # fmt: skip
    answers = [turn for turn in record.turns if turn.role == "assistant"]
    if target.learns == "last answer" and sum(turn.train for turn in answers[:-1]):
        found.append(Finding(rules.ONLY_LAST, None, "The format trains on the last answer alone: others are context."))
    learned = {turn.number for turn in _learned(record.turns, format)}
    fates = tuple(
        TurnFate(turn.number, segment.tokens, turn.number in learned and not (cut and cut.loses(turn.number)),
                 bool(cut and cut.touches(turn.number)))
        for turn, segment in zip(record.turns, segments[-len(record.turns) :] if record.turns else (), strict=True)
    )  # fmt: skip
    rows = 0 if any(finding.severity is Severity.REFUSED for finding in found) else 1
    return _settled(record, found, rows, fates, segments, cut)


def _learned(turns: Messages, format: Format) -> Iterator[Turn]:
    """The turns that the target trains on unless it is told otherwise."""
    for turn in turns:
        marked = turn.role == "assistant" and (turn.train or not format.honours_train)
        if format.rules.learns == "everything" or (marked and (format.rules.learns == "answers" or turn is turns[-1])):
            yield turn


def _preference(record: TrainingRecord, format: Format, counter: TokenCounter, limit: Limit) -> Preflight:
    is_kto = format.name.endswith("kto")
    given: tuple[tuple[Pair | Label, ...], tuple[str, ...]] = labels_of(record) if is_kto else pairs_of(record)
    examples, reasons = given
    found: list[Finding] = []
    if not examples:
        found += [Finding(rules.NO_ROW, None, f"{reason[0].upper()}{reason[1:]}.") for reason in reasons]
    else:
        found += [Finding(rules.PARTLY, None, f"{reason[0].upper()}{reason[1:]}.") for reason in reasons]
    cuts: list[Cut] = []
    longest: list[Segment] = []
    for example in examples:
        if isinstance(example, Label) and example.is_assumed:
            says = f"The rejection names no turn: the last answer, turn {example.turn}, stands for it."
            found.append(Finding(rules.ASSUMED, example.turn, says))
        for answer in _answers(example):
            turns = (*example.before, Turn(example.turn, "assistant", answer))
            found += [finding for finding in _checked(example.system_prompt, turns, format) if finding not in found]
            segments = segments_of(example.system_prompt, turns, counter)
            longest = max(longest, segments, key=_total)
            cut = cut_of(segments, limit, counter, answer=True)
            if cut is not None:
                cuts.append(cut)
    cut = max(cuts, key=lambda cut: cut.tokens, default=None)
    if cut is not None:
        found.append(_too_long(cut, format.rules.target, counter))
    named = {example.turn for example in examples}
    found += [
        Finding(rules.WEIGHTS, turn.number,
                f"Turn {turn.number} is marked not to be trained on; what review said of it is written all the same.")
        for turn in record.turns if turn.number in named and not turn.train
    ]  # fmt: skip
    fates = tuple(
        TurnFate(turn.number, segment.tokens, turn.number in named, bool(cut and cut.touches(turn.number)))
        for turn, segment in zip(record.turns, segments_of(None, record.turns, counter), strict=True)
    )
    rows = 0 if any(finding.severity is Severity.REFUSED for finding in found) else len(examples)
    settled = _settled(record, found, rows, fates, longest, cut)
    good = sum(isinstance(example, Label) and example.desirable for example in examples) if rows else 0
    return replace(settled, desirable=good) if is_kto else settled


def _answers(example: Pair | Label) -> tuple[str, ...]:
    return (example.chosen, example.rejected) if isinstance(example, Pair) else (example.completion,)


def _own(record: TrainingRecord, counter: TokenCounter) -> Preflight:
    found = list(rules.storable(record.system_prompt, record.turns, rules.TargetRules("Traintui", "")))
    segments = segments_of(record.system_prompt, record.turns, counter)
    fates = tuple(
        TurnFate(turn.number, segment.tokens, turn.role == "assistant" and turn.train, False)
        for turn, segment in zip(record.turns, segments[-len(record.turns) :] if record.turns else (), strict=True)
    )
    return _settled(record, found, 0 if found else 1, fates, segments, None)


def _checked(system_prompt: str | None, turns: Messages, format: Format) -> Iterator[Finding]:
    for check in rules.CHECKS:
        if format.kind == "supervised" or check is not rules.trained:  # a pair is about its answers, marked or not
            yield from check(system_prompt, turns, format.rules)


def _too_long(cut: Cut, target: str, counter: TokenCounter) -> Finding:
    about = "about " if counter.is_estimate else ""
    says = f"It has {about}{cut.tokens:,} tokens, {target} takes {cut.limit:,}: {cut.what}."
    return Finding(rules.TOO_LONG, cut.turn, says, cut.character)


def _settled(
    record: TrainingRecord, found: Iterable[Finding], rows: int, fates: tuple[TurnFate, ...],
    segments: Sequence[Segment], cut: Cut | None,
) -> Preflight:  # fmt: skip
    worst_first = sorted(found, key=lambda finding: (RULES.index(finding.rule), finding.turn or 0))
    return Preflight(record.conversation_id, tuple(worst_first), rows, fates, _total(segments), cut)


def segments_of(system_prompt: str | None, turns: Sequence[Turn], counter: TokenCounter) -> list[Segment]:
    """The messages of a conversation with their tokens, the system prompt first where there is one (its turn is 0)."""
    said = [(0, "system", plain(system_prompt))] if system_prompt and has_text(system_prompt) else []
    said += [(turn.number, turn.role, plain(turn.content)) for turn in turns]
    return [Segment(number, role, content, counter.count(content) + MESSAGE_TOKENS) for number, role, content in said]


def _total(segments: Sequence[Segment]) -> int:
    return sum(segment.tokens for segment in segments)


@dataclass(slots=True)
class Totals:
    """What an export as a whole will meet, added up conversation by conversation. Each counts once, under the worst
    that there is to say of it. `limit` is what they are held against, in tokens, where that is not the default, and
    `counted_by` what counts them. `default_limit` is that of the target, `excess` what it does with more, and
    `writes_cut` says that those are written all the same."""

    target: str
    is_estimate: bool = True
    limit: int | None = None
    counted_by: str = Estimate.name
    default_limit: int | None = None
    excess: Excess = "cut"
    writes_cut: bool = False
    count: int = 0
    passing: int = 0
    rows: int = 0
    by_rule: Counter[Rule] = field(default_factory=Counter)
    ignored: Counter[Rule] = field(default_factory=Counter)

    def pass_one(self) -> None:
        """Adds a conversation of which there is nothing to say."""
        self.count += 1
        self.rows += 1
        self.passing += 1

    def add(self, result: Preflight) -> None:
        """Adds a conversation."""
        self.count += 1
        self.rows += result.rows
        if result.passes:
            self.passing += 1
            self.ignored.update({finding.rule for finding in result.findings})
        else:
            self.by_rule[result.findings[0].rule] += 1

    @property
    def refused(self) -> int:
        """How many the target refuses."""
        return sum(count for rule, count in self.by_rule.items() if rule.severity is Severity.REFUSED)

    @property
    def _all_written(self) -> bool:
        """Whether each is written though the target cuts some of them."""
        return self.writes_cut and bool(self.by_rule) and all(rule.severity is Severity.CUT for rule in self.by_rule)

    def words(self) -> str:
        """As people read it: "412 of 418 pass; 4 too long for TRL's default, 2 end with the user", or, where nothing
        stands against writing all of them, "all 418 are written; TRL cuts 4 of them to 1,024 tokens"."""
        verb = "passes" if self.passing == 1 else "pass"
        told = f"{self.passing:,} of {self.count:,} {verb}"
        if self._all_written:
            told = f"all {self.count:,} are written" if self.count > 1 else "1 of 1 is written"
        elif self.passing == self.count > 1:
            told = f"all {self.count:,} pass"
        parts = [self._counted(rule, self.by_rule[rule]) for rule in RULES if rule in self.by_rule]
        marks = [self._counted(rule, self.ignored[rule]) for rule in RULES if rule in self.ignored]
        listed = "; ".join(", ".join(part) for part in (parts, marks) if part)
        return f"{told}; {listed}" if listed else told

    def _counted(self, rule: Rule, count: int) -> str:
        most = self.limit or self.default_limit
        if rule is rules.TOO_LONG and self._all_written and most is not None:
            does = (
                f"drops {{}}, longer than {most:,} tokens" if self.excess == "drop" else f"cuts {{}} to {most:,} tokens"
            )
            of_them = f"{count:,} of them" if count < self.count else "all of them" if count > 1 else "it"
            return f"{self.target} {does.format(of_them)}"
        limit = "default" if self.limit is None else f"{self.limit:,} tokens"
        return f"{count:,} {(rule.one if count == 1 else rule.many).format(target=self.target, limit=limit)}"

    def as_json(self) -> dict[str, Any]:
        """As plain values, for manifest and command line."""
        return {
            "target": self.target,
            "conversations": self.count,
            "pass": self.passing,
            "rows": self.rows,
            "tokens_are_estimated": self.is_estimate,
            "counted_by": self.counted_by,
            "limit": self.limit,
            "findings": {rule.name: {"count": self.by_rule[rule], "severity": rule.severity.value}
                         for rule in RULES if rule in self.by_rule},
            "ignored": {rule.name: self.ignored[rule] for rule in RULES if rule in self.ignored},
            "words": self.words(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to say of a whole export. `severity` REFUSED: the target does not take the file. `warns` says that it
    takes it, and that what is trained with it is most likely not what was meant."""

    severity: Severity
    says: str
    warns: bool = False

    @property
    def is_grave(self) -> bool:
        """Whether somebody should do something about it first."""
        return self.warns or self.severity is Severity.REFUSED


def remarks(
    format: Format, *, rows: int, container: Container, shape: Shape, size: int | None = None,
    desirable: int | None = None, instead: str | None = None,
) -> tuple[Remark, ...]:  # fmt: skip
    """What is to say of a file with so many rows, of so many bytes where that is known, with so many rows labelled as
    desirable where they have labels. `instead` says why its tokens are estimated though a tokenizer is named."""
    target, found = format.rules, []

    def refused(limit: str, has: str) -> None:
        found.append(
            Remark(Severity.REFUSED, f"{target.target} refuses the file as it is: it takes {limit}, this has {has}.")
        )

    if instead is not None:
        found.append(Remark(Severity.IGNORED, instead))
    if rows == 0:
        found.append(Remark(Severity.REFUSED, "There is no row to write."))
    elif rows < target.minimum:
        refused(f"{target.minimum} rows or more", f"{rows}")
    if target.maximum is not None and rows > target.maximum:
        refused(f"{target.maximum:,} rows at most", f"{rows:,}")
    if size is not None and target.max_bytes is not None and size > target.max_bytes:
        refused(f"{target.max_bytes / 1e9:,.1f} GB at most", f"{size / 1e9:,.1f}")
    if container not in format.containers_for(shape):
        known = ", ".join(format.containers_for(shape))
        found.append(Remark(Severity.REFUSED, f"{format.title} does not go into {container}; it goes into {known}."))
    elif target.target == "OpenAI" and container != "jsonl":
        found.append(Remark(Severity.IGNORED, "OpenAI itself takes JSONL alone; this file is for others."))
    if desirable is not None and rows and desirable in (0, rows):
        kind, lack = ("rejected", "approvals") if desirable == 0 else ("approved", "rejections")
        says = f"All answers are {kind} ones, and KTO learns from the difference of both kinds: take {lack} too"
        found.append(Remark(Severity.IGNORED, f"{says}, as status:approved,rejected in the filter does.", warns=True))
    elif desirable is not None and rows:
        good, bad = kto_weights(desirable, rows - desirable)
        says = f"{desirable:,} answers are good and {rows - desirable:,} are not: desirable_weight {good:g} and"
        found.append(Remark(Severity.IGNORED, f"{says} undesirable_weight {bad:g} balance them."))
    every = [*found, *(Remark(Severity.IGNORED, note) for note in target.notes)]
    return tuple(sorted(every, key=lambda remark: not remark.is_grave))
