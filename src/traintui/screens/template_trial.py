"""A test of a template with one call: what it may cost, then the turns that came back, their score and their cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import text
from traintui.data.records import Turn
from traintui.errors import TraintuiError
from traintui.generation.pricing import Usage, cost_usd
from traintui.importing.chunks import estimate_tokens
from traintui.loading import loaded
from traintui.widgets import marks
from traintui.widgets.transcript import Transcript
from traintui.widgets.writing_pane import WritingPane

if TYPE_CHECKING:
    from traintui.generation.prompt import Context, Prompt, TemplateText
    from traintui.generation.trial import Trial, TrialReply


class TrialPane(Vertical):
    """What is asked and what came of it. `trial` is the call that can be made now; None while something is wrong."""

    pane = getters.query_one(WritingPane)
    parts = getters.query_one("#score-parts", Static)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.trial: Trial | None = None
        self._busy = False
        self._answered = False

    def compose(self) -> ComposeResult:
        """The turns, and below them why they score as they do."""
        yield WritingPane()
        yield Static(id="score-parts")

    @property
    def transcript(self) -> Transcript:
        """Where the turns are read."""
        return self.pane.transcript

    def prepare(self, trial: Trial | None, prompt: Prompt | None) -> None:
        """The text or the example is another one: what a call with them may cost. None where something is wrong."""
        self.trial = trial
        if self._busy or self._answered:
            return
        if trial is None or prompt is None:
            self.pane.nothing("failed", "Not to be tried yet", "Something is wrong with the text.", "e shows where.")
            return
        asked = Usage(estimate_tokens(prompt.system) + estimate_tokens(prompt.user), trial.max_tokens)
        most = cost_usd(trial.model, asked)
        price = (
            "What it costs is not known: the model has no price here."
            if most is None
            else f"It costs {text.usd(most)} at most, and is on record like any call."
        )
        self.pane.nothing(
            "empty",
            f"One call of {trial.model}",
            f"With the text as it stands, and the example of the preview. {price}",
            "c makes it · o takes another example, ] another passage",
        )

    async def offer(
        self,
        draft: TemplateText,
        context: Context,
        prompt: Prompt,
        *,
        model: str,
        template_id: int | None,
    ) -> None:
        """The text as it stands can be tried; a rubric by judging a conversation, which is a batch."""
        trials = await loaded("traintui.generation.trial")
        if draft.kind == "conversation":
            self.prepare(trials.trial_of(draft, context, model=model, template_id=template_id), prompt)
            return
        self.trial, self._answered = None, False
        if draft.kind == "regeneration":
            self.pane.nothing(
                "empty",
                "It is tried by writing a turn anew",
                "Once it is saved, R in 2 writes a turn anew with it, on record and priced like any call.",
            )
            return
        self.pane.nothing(
            "empty",
            "A rubric is tried by judging",
            "Once it is saved, select a conversation in 1; Judge in the palette asks for an opinion of it, on record"
            " and priced like any call.",
        )

    def wait(self) -> None:
        """The call is under way."""
        self._busy, self._answered = True, False
        self.parts.update("")
        self.pane.nothing("loading", "Waiting for the reply", "", "escape gives it up; what it cost is not known then.")

    def show(self, reply: TrialReply) -> None:
        """Shows what came back."""
        self._busy, self._answered = False, True
        figures = Content.assemble(
            (text.usd(reply.cost_usd), "bold"),
            (f"   {text.tokens(reply.input_tokens)} in, {text.tokens(reply.output_tokens)} out"
             f"   {text.duration(reply.duration_ms)}   call {reply.attempt_id}"
             + ("   rehearsal" if reply.is_rehearsal else ""), "$muted"),
        )  # fmt: skip
        if not reply.turns:
            said = text.shown(reply.raw or "", limit=1_500, style="$muted")
            self.pane.nothing("failed", "No conversation", reply.failure or "", "c tries again")
            self.parts.update(Content.assemble(figures, "\n", said))
            return
        turns = [Turn(place, turn.role, turn.content) for place, turn in enumerate(reply.turns, start=1)]
        heading = Content.assemble(marks.score(reply.score), "   ", figures)
        self.pane.show(f"trial {reply.attempt_id}", heading, turns, growing=False)
        self.parts.update(
            Content("\n").join(
                Content.assemble(
                    (f"{part.points:>4.1f} of {part.max_points:<4g}", "$muted"), f" {part.name}: ",
                    text.shown(part.sentence, single_line=True, limit=160, style="$muted"),
                )
                for part in reply.parts
            )
        )  # fmt: skip

    def fail(self, answer: TraintuiError) -> None:
        """No call was made, or nothing came of it."""
        self._busy, self._answered = False, True
        self.pane.notice.fail(answer, "c tries again.")
        self.pane.shown = None
        self.pane.set_class(True, "-nothing")

    def give_up(self) -> None:
        """Nobody waits for the reply any more."""
        self._busy, self._answered = False, True
        self.pane.nothing("empty", "Given up", "The call is on record as unknown, with what it may have cost.",
                          "c makes another one")  # fmt: skip

    def forget(self) -> None:
        """Another template: what came back of the last one is not its."""
        self._answered = False
        self.parts.update("")
