"""What is known about a conversation, beside its text: dimensions, score, source, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from traintui import text
from traintui.data.records import Conversation, ReviewEntry, ScorePart
from traintui.quality.words import Places
from traintui.widgets import grounds, marks
from traintui.widgets.source_text import readable

DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone", "tier")
SOURCE_LENGTH = 1_200
"""Characters of a source that are shown where nobody reads the answers beside it."""
STALE = (
    "The document was imported again and no longer says this. Nothing was thrown away: edit what is wrong now,"
    " reject it, or leave it; a new batch writes from the new text."
)
"""What a stale conversation means, and what to do."""
FULL = 23 / 24
"""The share of its points from which on the bar of a part is full."""
SPAN_LENGTH = 160
OPENING_TURNS = 4
OPENING_LENGTH = 320

ACTIONS: dict[str, tuple[str, str]] = {
    "approve": ("● approved", "$approved"),
    "reject": ("✕ rejected", "$rejected"),
    "reopen": ("○ reopened", "$generated"),
    "undo": ("↶ undone", "$muted"),
    "edit": ("✎ edited", "$warning"),
    "flag": ("⚑ flagged", "$warning"),
    "unflag": ("⚐ unflagged", "$muted"),
    "metadata": ("✎ metadata", "$muted"),
    "takeover": ("→ taken over", "$muted"),
    "delete": ("✕ to the trash", "$rejected"),
    "restore": ("○ restored", "$generated"),
    "purge": ("✕ purged", "$error"),
    "import": ("↓ imported", "$muted"),
}
"""Glyph and words, and colour, of each action of the log."""


def heading(title: str, aside: Content | None = None) -> Content:
    """The heading of a section."""
    return Content.assemble((title.upper(), "bold $muted"), "  ", aside or "")


def dimensions(conversation: Conversation, labels: marks.Labels) -> Iterable[Content]:
    """The labels of the six dimensions, one a line."""
    for name in DIMENSIONS:
        value = getattr(conversation.row, name)
        yield Content.assemble((f"{name:<9}", "$muted"), marks.label(labels, name, value))


def failure(conversation: Conversation) -> Iterable[Content]:
    """Why it could not be written."""
    if conversation.row.status == "failed":
        yield heading("Failed")
        said = conversation.failure or "No reason was recorded."
        yield Content.assemble(("✕ ", "$failed"), text.shown(said, single_line=True, limit=600, style="$failed"))
        yield Content.styled("r on Generate tries it again.", "$muted")


def score(conversation: Conversation) -> Iterable[Content]:
    """The score with its parts."""
    yield heading("Score", marks.score(conversation.row.quality_score))
    yield from score_parts(conversation.score_parts)


def score_parts(parts: Sequence[ScorePart]) -> list[Content]:
    """The parts, worst first: points, then the value, what is good, and the sentence that says why. Those that are full
    share a line."""
    made: list[Content] = []
    for part in sorted((part for part in parts if _share(part) < FULL), key=_share):
        made.append(
            Content.assemble(
                marks.meter(part.points, part.max_points, 6),
                f" {part.points:>4.2f}",
                (f" / {part.max_points:<4.2f}  ", "$faint"),
                _part_name(part),
            )
        )
        why = text.shown(part.sentence, single_line=True, limit=240, style="$muted")
        if part.value is not None:
            why = Content.assemble((value_and_range(part), "$muted"), ("  ", "$muted"), why)
        made.append(why)
    if full := [_part_name(part) for part in parts if _share(part) >= FULL]:
        number = text.plural(len(full), "part")
        made.append(
            Content.assemble(marks.meter(1, 1, 6), f" {number} full  ", Content(", ").join(full).stylize("$muted"))
        )
    return made


def _share(part: ScorePart) -> float:
    return part.points / part.max_points if part.max_points else 1.0


def _part_name(part: ScorePart) -> Content:
    return text.shown(part.name.replace("_", " "), single_line=True, limit=40)


def judgement(conversation: Conversation) -> Iterable[Content]:
    """What a judge says of it, apart from the score: each criterion with its sentence and the words that it points at;
    where there is no opinion, why."""
    judging = conversation.judging
    if judging is None or (judging.judgement is None and judging.state is None):
        return
    opinion = judging.judgement
    yield heading("Judge", marks.score(opinion.mean if opinion else None))
    if opinion is not None:
        yield Content.assemble(
            text.shown(opinion.model, single_line=True, limit=40, style="$muted"),
            (f"  {text.ago(opinion.created_at)}", "$muted"),
            ("  rehearsal" if opinion.is_rehearsal else "", "$generating"),
        )  # fmt: skip
        for criterion in sorted(opinion.criteria, key=lambda each: each.score):
            figure = float(criterion.score)
            yield Content.assemble(
                marks.meter(figure, 10, 6), f" {figure:>4g}", (" / 10    ", "$faint"),
                text.shown(criterion.name, single_line=True, limit=40),
            )  # fmt: skip
            yield text.shown(criterion.sentence, single_line=True, limit=500, style="$muted")
            for span in criterion.spans:
                quote = text.shown(f"“{span.quote}”", single_line=True, limit=SPAN_LENGTH)
                yield Content.assemble((f"  turn {span.turn} ", "$faint"), quote)
        if opinion.spans_dropped:
            number = text.plural(opinion.spans_dropped, "quotation")
            yield Content.styled(f"{number} left out: not in the turn that it named", "$faint")
    if judging.state == "failed":
        cause = text.shown(judging.cause or "Not judged.", single_line=True, limit=400, style="$failed")
        yield Content.assemble(("✕ ", "$failed"), cause)
    elif judging.state is not None:
        yield Content.styled("◌ waits for its judge" if judging.state == "queued" else "◐ is being judged", "$muted")


def value_and_range(part: ScorePart) -> str:
    """The value of a part and the range in which it is good: `83% (good: 70 to 100%)`; empty where it has none."""
    if part.value is None or part.low is None or part.high is None:
        return ""
    figure, unit = (100, "%") if part.unit == "share" else (1, "")
    value, low, high = (f"{number * figure:.0f}" for number in (part.value, part.low, part.high))
    if part.low == part.high:
        return f"{value}{unit} (good: {low}{unit})"
    return f"{value}{unit} (good: {low} to {high}{unit})"


def source(
    conversation: Conversation, drawn: Mapping[int, Places] | None = None, turn: int | None = None
) -> Iterable[Content]:
    """The chunk that it is about, with the sentences that the answers draw on, where they are known, and among them
    those of one turn, by its place."""
    if conversation.source is None:
        return
    where = ": ".join(filter(None, (conversation.source.title, conversation.source.heading)))
    yield heading("Source")
    yield text.shown(where, single_line=True, limit=160, style="bold")
    if (since := conversation.row.stale_at) is not None:
        yield Content.assemble((f"{marks.STALE} stale ", "$warning"), (text.ago(since), "$muted"))
        yield Content.styled(STALE, "$warning")
    yield text.shown(conversation.source.document, single_line=True, limit=120, style="$muted")
    said = (
        text.shown(conversation.source.content, limit=SOURCE_LENGTH, style="$muted")
        if drawn is None
        else grounds.marked(conversation.source.content, drawn, turn)
    )
    yield Content("")
    yield readable(said, conversation.source.heading)


def entry(done: ReviewEntry) -> Content:
    """A row of the history."""
    said, colour = ACTIONS.get(done.action, (done.action, "$muted"))
    lines = [
        Content.assemble(
            (said, colour), (" by ", "$faint"), text.shown(done.reviewer_id, single_line=True, limit=40),
            (f"  {text.ago(done.timestamp)}", "$muted"),
            (f"  revision {done.revision}" if done.revision > 1 else "", "$faint"),
        )
    ]  # fmt: skip
    why = [text.shown(done.reason, single_line=True, limit=80)] if done.reason else []
    if done.turn_number:
        why.append(Content(f"turn {done.turn_number}"))
    if done.reviewer_notes:
        why.append(text.shown(f"“{done.reviewer_notes}”", limit=500))
    if why:
        lines.append(Content.assemble("  ", Content("  ").join(why)).stylize_before("$muted"))
    return Content("\n").join(lines)


def history(conversation: Conversation) -> Iterable[Content]:
    """What was done to it, newest first."""
    if conversation.history:
        yield heading("History")
        yield from (entry(done) for done in conversation.history[:20])


def opening(conversation: Conversation) -> Iterable[Content]:
    """The first turns, shortened."""
    yield heading("Turns", Content.styled(str(len(conversation.turns)), "$muted"))
    for turn in conversation.turns[:OPENING_TURNS]:
        name, colour = ("User", "$user") if turn.role == "user" else ("Assistant", "$assistant")
        yield Content.assemble((f"{name} {turn.number}", colour))
        yield text.shown(turn.content, single_line=True, limit=OPENING_LENGTH)
    if len(conversation.turns) > OPENING_TURNS:
        yield Content.styled(f"… {text.plural(len(conversation.turns) - OPENING_TURNS, 'more turn')}", "$faint")


def facts(
    conversation: Conversation,
    labels: marks.Labels,
    *,
    with_turns: bool = False,
    with_judge: bool = False,
    drawn: Mapping[int, Places] | None = None,
    turn: int | None = None,
) -> Content:
    """All of it as one text; `with_turns` for where the turns themselves are not on the screen, `with_judge` for where
    nobody is to decide uninfluenced, `drawn` and `turn` as for `source`."""
    sections: list[Iterable[Content]] = [failure(conversation), dimensions(conversation, labels), score(conversation)]
    if with_judge:
        sections.append(judgement(conversation))
    if with_turns:
        sections.append(opening(conversation))
    sections += [source(conversation, drawn, turn), history(conversation)]
    made = [Content("\n").join(section) for section in sections]
    return Content("\n\n").join(section for section in made if section)


class FactsPanel(VerticalScroll, can_focus=True):
    """The facts of one conversation; `tab` goes there, and the arrows scroll where they are long."""

    DEFAULT_CSS = """
    FactsPanel {
        width: 46; height: 1fr; background: $surface; color: $foreground; scrollbar-size-vertical: 1;
        &:focus { background: $panel; }
        & > Static { width: 1fr; height: auto; padding: 0 1 0 2; }
    }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static()

    def show(self, content: Content) -> None:
        """Shows other facts, from their beginning."""
        self.query_one(Static).update(content)
        self.scroll_home(animate=False)

    def mark(self, content: Content) -> None:
        """Shows the same facts with other marks; what the current turn draws on comes into view, else nothing moves."""
        shown = self.query_one(Static)
        shown.update(content, layout=False)
        place = grounds.first_marked(content)
        if place is None or self.has_focus or not (width := shown.content_size.width):
            return
        line = len(content[:place].wrap(width)) - 1
        if not self.scroll_offset.y <= line < self.scroll_offset.y + self.size.height - 2:
            self.scroll_to(y=max(0, line - self.size.height // 3), animate=False)
