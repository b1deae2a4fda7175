"""What targets do with one conversation, in few words: a line for who reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from traintui.export import rules
from traintui.export.formats.model import Format
from traintui.export.lens import Lens
from traintui.export.rules import Finding, Rule, Severity

SHORT: dict[Rule, str] = {
    rules.NOT_TEXT: "turn {turn} holds what no file can hold",
    rules.EMPTY: "turn {turn} is empty",
    rules.TOO_FEW: "it has no exchange",
    rules.FIRST: "begins with the assistant",
    rules.ALTERNATES: "turn {turn} does not alternate",
    rules.LAST: "ends with the user, turn {turn}",
    rules.UNTRAINED: "no answer is to be trained on",
    rules.LAST_UNTRAINED: "turn {turn}, the last answer, is not to be trained on",
}
"""Why a target refuses a conversation."""


@dataclass(frozen=True, slots=True)
class Objection:
    """What some targets object to in a conversation, all for the same reason: `says` has it in one short sentence with
    their names, `turn` is the number of the turn (None: the whole, or the system prompt), `key` the key of Review that
    mends it."""

    severity: Severity
    says: str
    turn: int | None
    key: str | None

    @property
    def is_refusal(self) -> bool:
        """Whether the conversation cannot be written for them."""
        return self.severity is Severity.REFUSED


def objections(lenses: Sequence[Lens]) -> tuple[Objection, ...]:
    """The worst that each target objects to, refusals first; nothing where all take it whole."""
    found: dict[tuple[Severity, str, str, int | None, str | None], list[str]] = {}
    for lens in lenses:
        worst = next((each for each in lens.result.findings if each.severity is not Severity.IGNORED), None)
        if worst is not None:
            one, many = _said(lens, worst)
            targets = found.setdefault((worst.severity, one, many, worst.turn, worst.key), [])
            if (name := lens.format.rules.target) not in targets:
                targets.append(name)
    told = [
        Objection(severity, f"{named(targets)} {one if len(targets) == 1 else many}", turn, key)
        for (severity, one, many, turn, key), targets in found.items()
    ]
    return tuple(sorted(told, key=lambda each: not each.is_refusal))


def named(targets: Iterable[str]) -> str:
    """Names of targets in a row."""
    *others, last = targets
    return f"{', '.join(others)} and {last}" if others else last


def _said(lens: Lens, finding: Finding) -> tuple[str, str]:
    """What a target does, as it goes on from its name; and from several."""
    if finding.rule is rules.TOO_LONG and lens.result.cut is not None:
        return _cuts(lens)
    where = "the system prompt" if finding.turn is None else f"turn {finding.turn}"
    if finding.rule is rules.SPECIAL:
        return (
            f"breaks off in {where}, at a token of a template",
            f"break off in {where}, at a token of a template",
        )
    short = SHORT.get(finding.rule, finding.rule.one)
    why = short.replace("turn {turn}", where) if finding.turn is None else short.format(turn=finding.turn)
    return f"refuses: {why}", f"refuse: {why}"


def _cuts(lens: Lens) -> tuple[str, str]:
    stop, cut = lens.stops[0], lens.result.cut
    if cut is None or cut.character is None:
        return "drops it as too long", "drop it as too long"
    if cut.turn is None:
        return "cuts in the system prompt", "cut in the system prompt"
    place = "at" if stop.character else "before"
    return f"cuts {place} turn {cut.turn}", f"cut {place} turn {cut.turn}"


def learns(format: Format) -> str:
    """What a target trains on, in words."""
    marks = "; knows marks" if format.honours_train else ""
    return {"everything": "every turn", "last answer": "the last answer"}.get(format.rules.learns, f"answers{marks}")


def by_default(format: Format) -> str:
    """What a target does with long conversations by default, in words; empty where it takes any."""
    if format.rules.token_limit is None:
        return ""
    return f"{'drops' if format.rules.excess == 'drop' else 'cuts'} beyond {format.rules.token_limit:,} tokens"
