"""How it is spoken of on the review screen what training targets do with a conversation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.data.records import Conversation, Turn
from traintui.export.lens import Lens, lenses_of, record_of
from traintui.export.preflight_words import learns, objections
from traintui.export.tokens import Remembering, counting_of

if TYPE_CHECKING:
    from traintui.export.training_targets import TrainingTargets

KeyName = Callable[[str], str]
"""What the key of a command is called here, by the key that it has by default."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What targets do with one text: a lens for each, in their order. `instead` says why tokens are estimated though a
    tokenizer is named."""

    turns: tuple[Turn, ...]
    system_prompt: str | None
    targets: TrainingTargets
    lenses: tuple[Lens, ...]
    instead: str | None

    def is_of(self, conversation: Conversation, targets: TrainingTargets) -> bool:
        """Whether it is about this text and these targets."""
        return (self.turns, self.system_prompt, self.targets) == (
            conversation.turns, conversation.system_prompt, targets,
        )  # fmt: skip

    def through(self, name: str | None) -> Lens | None:
        """The lens of a target."""
        return next((lens for lens in self.lenses if lens.format.name == name), None)


def look(conversation: Conversation, targets: TrainingTargets) -> Looked:
    """What the targets that were chosen, or else the usual ones, do with a conversation. Takes a second for a megabyte
    where a tokenizer counts: for a thread."""
    counting = counting_of(targets.tokenizer)
    wanted = [(target.format, target.limit) for target in targets.or_usual]
    lenses = lenses_of(record_of(conversation), wanted, Remembering(counting.counter))
    return Looked(conversation.turns, conversation.system_prompt, targets, lenses, counting.instead)


def objected(lenses: Sequence[Lens], key: KeyName) -> Iterator[Content]:
    """What targets object to, each with the key that mends it."""
    for each in objections(lenses):
        yield Content.assemble(
            (each.says, "$error" if each.is_refusal else "$warning"),
            (f" ({text.visible(key(each.key), single_line=True)})" if each.key else "", "$faint"),
        )  # fmt: skip


def preflight_line(looked: Looked, key: KeyName) -> list[Content]:
    """What the targets that the workspace chose object to; nothing where they take all of it, or none was chosen."""
    if not looked.targets.chosen:
        return []
    parts = list(objected(looked.lenses, key))
    return [Content.styled("! ", "$warning") + Content.styled(" · ", "$faint").join(parts)] if parts else []


def objections_by_place(looked: Looked) -> dict[int, tuple[str, ...]]:
    """What the chosen targets object to, by the places of the turns that it is about."""
    found: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for each in objections(looked.lenses) if looked.targets.chosen else ():
        if each.turn is not None:
            found[each.turn - 1] += (each.says,)
    return dict(found)


def lens_line(name: str, looked: Looked | None, key: KeyName, following: str | None) -> list[Content]:
    """What there is to say of a lens, the most important first: what the target does, its tokens, what others object
    to, what is next. `name` is the title of its format, `following` of the one that the key goes on to."""
    lens = None if looked is None else next((each for each in looked.lenses if each.format.title == name), None)
    shown = Content.assemble(("◉ ", "bold $accent"), (name, "bold"))
    if lens is None or looked is None:
        return [shown + Content.styled("  ◌ counting", "$muted")]
    limit = f" of {lens.limit:,}" if lens.limit is not None else ""
    said = Content(" · ").join(objected([lens], key))
    verdict = said or Content.styled("✓ takes all of it", "$approved")
    tokens = Content.styled(f"{lens.count(lens.result.tokens)}{limit} tokens", "$muted")
    others = [each for each in looked.lenses if each is not lens] if looked.targets.chosen else []
    usual = "" if looked.targets.chosen else f"usual targets: {key('L')} chooses yours"
    return [
        shown, verdict, tokens,
        Content.styled(usual, "$accent"),
        Content.styled("trains on " + learns(lens.format).partition(";")[0], "$muted"),
        Content.styled(f"{key('l')} {following or 'without'}", "$faint"),
        *objected(others, key),
        text.shown(looked.instead, single_line=True, limit=200, style="$warning"),
    ]  # fmt: skip
