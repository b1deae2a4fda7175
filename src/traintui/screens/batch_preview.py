"""What a plan will send and take, before it is begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.errors import TraintuiError
from traintui.loading import loaded
from traintui.screens.base import BaseDialog
from traintui.widgets import marks
from traintui.widgets.detail_view import DetailView
from traintui.widgets.facts import heading
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.generation.estimate import Estimate, Range
    from traintui.generation.plan import Plan
    from traintui.generation.preview import Preview

SHOWN = ("persona", "emotion", "topic", "intent", "tone")
Writing = Callable[[float], str]
"""How a figure is written."""


class BatchPreview(BaseDialog[bool]):
    """The prompts of a plan, one after the other, and an estimate. Answers true when the batch is to be begun."""

    PLACES = ("batch_preview", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("batch_preview")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "DetailView"

    figures = getters.query_one("#figures", Static)
    which = getters.query_one("#which", Static)
    prompt = getters.query_one("#prompt", DetailView)

    def __init__(self, plan: Plan, *, rehearsal_counts: bool = True) -> None:
        super().__init__()
        self._rehearsal_counts = rehearsal_counts
        self._plan = plan
        self._preview: Preview | None = None
        self._number = 0

    def compose(self) -> ComposeResult:
        """The estimate, and the prompt below it."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(
                "Preview of ", text.shown(self._plan.name, single_line=True, limit=50)
            )
            yield Static(Content.styled("◌ Working the plan out", "$muted"), id="figures")
            yield Static(id="which")
            yield DetailView(id="prompt")
        yield KeyBar()

    def on_mount(self) -> None:
        """Works the plan out beside the painting."""
        self.read(self._read_preview, name="preview")

    async def _read_preview(self) -> None:
        from traintui.generation.provider import provider_of

        try:
            is_rehearsal = (await provider_of(self.app.crew.settings)).is_rehearsal
        except TraintuiError:  # without a provider a plan is still worth reading
            is_rehearsal = False
        # The templates' language takes a moment to load; the screen answers keys meanwhile.
        module = await loaded("traintui.generation.preview")
        gaps = None
        if self._plan.strategy == "gaps":
            lacking = await loaded("traintui.generation.lacking")
            gaps = await lacking.gaps_of(self.db, self._plan.gaps, rehearsal=self._rehearsal_counts)
        self._preview = await module.preview(self.db, self._plan, is_rehearsal=is_rehearsal, gaps=gaps)
        self._show_figures(self._preview, is_rehearsal=is_rehearsal)
        self._show_prompt()

    def _show_figures(self, found: Preview, *, is_rehearsal: bool) -> None:
        from traintui.generation.estimate import warnings

        lines = list(figures(self._plan, found.estimate, is_rehearsal=is_rehearsal))
        if not is_rehearsal:
            lines += [
                Content.assemble(("! ", "$warning"), text.shown(said, single_line=True))
                for said in warnings(self._plan, found.estimate, found.warn_above)
            ]
        self.figures.update(Content("\n").join(lines))

    def _show_prompt(self) -> None:
        found = self._preview
        if found is None:
            return
        item = found.draft.items[self._number]
        self.which.update(
            Content.assemble(
                (f"{self._number + 1:,} of {len(found.draft.items):,}  ", "bold"),
                Content.styled(" · ", "$faint").join(
                    [
                        *(marks.label(self.app.labels, each, getattr(item, each)) for each in SHOWN),
                        Content(item.tier.replace("_", " ")),
                        Content(text.plural(item.exchanges, "exchange")),
                    ]
                ),
            )
        )
        prompt = found.prompt(self._number)
        self.prompt.show(
            [*part("System prompt", prompt.system), Content(""), *part("Message", prompt.user)], key=self._number
        )

    def action_step(self, places: int) -> None:
        """To another planned conversation; from the last to the first."""
        if self._preview is not None:
            self._number = (self._number + places) % len(self._preview.draft.items)
            self._show_prompt()

    def action_start(self) -> None:
        """Begins the batch."""
        self.dismiss(True)

    def work_failed(self, name: str, error: BaseException) -> None:
        """A plan that cannot be worked out says why here."""
        answer = self.app.answer(error)
        self.figures.update(
            Content.assemble(
                ("! ", "$error"), text.shown(answer.title, single_line=True, style="bold $error"), "\n",
                text.shown(answer.message, limit=400), "\n", text.shown(answer.remedy, limit=400, style="$muted"),
            )
        )  # fmt: skip


def part(name: str, written: str) -> Iterator[Content]:
    """A part of a prompt under its heading, line by line."""
    yield heading(name, Content.styled(f"{len(written):,} characters", "$muted"))
    yield from (text.shown(line) for line in written.split("\n"))


def figures(plan: Plan, estimate: Estimate, *, is_rehearsal: bool) -> Iterator[Content]:
    """Where the estimate comes from, then cost, tokens and time: as likely as not, and what nine in ten stay below."""
    sources = {
        "past": f"as {text.plural(estimate.past, 'past one')} of this template and model took",
        "counted": "from counted prompts and the room for replies: none like it yet",
        "length": "from characters, about four a token, and the room for replies",
    }
    yield Content.assemble(
        text.plural(estimate.conversations, "conversation"), (f", {sources[estimate.basis]}", "$muted")
    )
    free = ("  rehearsal, nothing is paid", "$generating") if is_rehearsal else ""
    cost = estimate.cost_usd
    yield Content.assemble(
        ("Cost     ", "$muted"), "unknown" if cost is None else spread(cost, lambda usd: text.usd(Decimal(usd))), free
    )
    if (judge := estimate.judge) is not None:
        share = "unknown" if judge.cost_usd is None else spread(judge.cost_usd, lambda usd: text.usd(Decimal(usd)))
        by = text.shown(f", by {plan.judge_model}", single_line=True, limit=60, style="$muted")
        yield Content.assemble(("  judge  ", "$muted"), share, (" of it", "$muted"), by)
    prompts = text.tokens(round(estimate.input_tokens.p50))
    replies = spread(estimate.output_tokens, lambda number: text.tokens(round(number)))
    yield Content.assemble(("Tokens   ", "$muted"), f"~{prompts} in   ", replies, (" out", "$muted"))
    if estimate.seconds is not None:
        slots = f", with {text.plural(plan.slots, 'call')} at a time"
        yield Content.assemble(
            ("Time     ", "$muted"),
            spread(estimate.seconds, lambda seconds: text.duration(seconds * 1_000)),
            (slots, "$muted"),
        )
    else:
        yield Content.assemble(("Time     ", "$muted"), "within a day; most are done in an hour")


def spread(found: Range, written: Writing) -> Content:
    """A figure, and what nine in ten stay below where that is another."""
    likely, most = written(found.p50), written(found.p90)
    return Content.assemble(f"~{likely}", (f", 9 in 10 below {most}" if most != likely else "", "$muted"))
