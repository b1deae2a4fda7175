"""What an export is asked to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from traintui.data.engine import Database
from traintui.data.export_reading import Scope, Wanted
from traintui.data.filters import Filter, parse
from traintui.data.models import DIMENSIONS
from traintui.data.moment_reading import MomentScope
from traintui.data.past_reading import PastScope
from traintui.data.workspace_filters import read_filter
from traintui.errors import TraintuiError
from traintui.export import training_targets
from traintui.export.again import Earlier
from traintui.export.containers import container_of
from traintui.export.filter_data import terms_of
from traintui.export.formats import Container, Format, format_of
from traintui.export.preflight import Remark
from traintui.export.rules import Severity
from traintui.export.tokens import Counting, counter_of, counting_of, name_of

IfRefused = Literal["stop", "leave-out"]
IfCut = Literal["write", "stop", "leave-out"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be written where.

    `ids` are those of a selection, whatever the filter says of others, and `view` is the name of the saved view that
    the filter is of. `container` is what the name of the file says unless it is given. `eval_share` (0 to 1) goes into
    a second file, `strata` are dimensions that the manifest counts on both sides, `sides` is the manifest of an earlier
    export whose conversations stay on theirs. `if_refused` and `if_cut` say what
    becomes of conversations that the target refuses, or cuts; `limit` is the trainer's in tokens where it is not the
    default, `tokenizer` the file that counts them. `card` says whether a README goes beside the file. `again` is the
    export that is made again; as it was then, filter and selection say nothing. `from_workspace` names which of `limit`
    and `tokenizer` the workspace chose, not who asks.
    """

    path: Path
    format: str = "openai"
    filter_text: str = ""
    ids: Sequence[int] | None = None
    view: str | None = None
    rehearsal: bool = False
    overwrite: bool = False
    container: Container | None = None
    eval_share: float = 0.0
    strata: tuple[str, ...] = ()
    if_refused: IfRefused = "stop"
    if_cut: IfCut = "write"
    limit: int | None = None
    tokenizer: Path | None = None
    card: bool = True
    sides: Path | None = None
    again: Earlier | None = None
    from_workspace: tuple[str, ...] = ()

    @property
    def then(self) -> Earlier | None:
        """The export whose conversations are written at the revisions of then, if one is."""
        return self.again if self.again is not None and self.again.is_then else None

    @property
    def counting(self) -> Counting:
        """What counts its tokens here, once its file is read. A tokenizer that the export names is used, or answered
        with `NoTokenizer`; that of the workspace is one of other machines too: where it is not here they are estimated.
        """
        if "tokenizer" in self.from_workspace:
            return counting_of(self.tokenizer)
        return Counting(counter_of(self.tokenizer))

    @property
    def target(self) -> Format:
        """The format. Raises `TraintuiError` when there is none of that name."""
        return format_of(self.format)

    @property
    def wanted(self) -> Wanted:
        """What its rows are made of."""
        kind = self.target.kind
        return Wanted(decisions=kind != "supervised", details=kind == "own")

    def container_for(self, path: Path) -> Container:
        """What the rows go into. Raises `TraintuiError` when neither the request nor the name says it, or the target
        reads none such, or for an option that cannot be."""
        container = self.container or container_of(path.name)
        if container not in self.target.containers:
            raise TraintuiError(
                "Not exported", f"{self.target.title} does not go into {container}.",
                f"It goes into {', '.join(self.target.containers)}: name the file accordingly.",
            )  # fmt: skip
        if not 0 <= self.eval_share < 1:
            raise TraintuiError(
                "Not exported", f"{self.eval_share:g} is no share of conversations.", "Give one from 0 to less than 1."
            )
        if self.sides is not None and not self.eval_share:
            raise TraintuiError(
                "Not exported", "sides of an earlier export were given, and no share for the eval side.",
                "Give the share too (--eval-share).",
            )  # fmt: skip
        if wrong := [name for name in self.strata if name not in DIMENSIONS]:
            raise TraintuiError(
                "Not exported", f'there is no dimension "{wrong[0]}".', f"There are: {', '.join(DIMENSIONS)}."
            )
        return container

    async def scope(self, db: Database) -> Scope:
        """What of the workspace is in it. Raises `FilterError` when the filter cannot be read, `TraintuiError` when it
        is of several moments."""
        if self.then is not None:
            said = self.then.filter_state.get("as_of")
            moment = datetime.fromisoformat(said) if said else None
            return PastScope(parse(""), True, None, self.then.noted, self.then.snapshot, moment)
        wanted = await read_filter(db, self.filter_text)
        if (moment := moment_in(wanted)) is not None:
            return MomentScope(wanted, self.rehearsal, self.ids, moment)
        return Scope(wanted, self.rehearsal, self.ids)

    def filter_state(self, wanted: Filter) -> dict[str, Any]:
        """The scope for the log: the words, and what they were read as."""
        if self.then is not None:
            return {"filter": "", **self.then.filter_state, "again": self.then.as_json()}
        state: dict[str, Any] = {
            "filter": self.filter_text.strip(),
            "rehearsal": "include" if self.rehearsal else "exclude",
            "terms": terms_of(wanted),
        }
        if self.view is not None:
            state["view"] = self.view
        if self.ids is not None:
            state["selected"] = len(self.ids)
        if (moment := moment_in(wanted)) is not None:
            state["as_of"] = moment.astimezone(UTC).isoformat()
        if self.again is not None:
            state["again"] = self.again.as_json()
        return state

    def options(self) -> dict[str, Any]:
        """The other options, for log and manifest."""
        return {
            "if_refused": self.if_refused,
            "if_cut": self.if_cut,
            "limit": self.limit,
            "tokenizer": None if self.tokenizer is None else name_of(self.tokenizer),
            "from_workspace": list(self.from_workspace),
            "eval_share": self.eval_share,
            "strata": list(self.strata),
            "sides": None if self.sides is None else self.sides.name,
        }

    def paths(self) -> dict[str, str]:
        """The files that its options name, for the log alone: where they are is nobody's business who gets the file."""
        given = {"sides": self.sides, "tokenizer": None if "tokenizer" in self.from_workspace else self.tokenizer}
        return {name: str(path.expanduser().absolute()) for name, path in given.items() if path is not None}


async def completed(db: Database, request: ExportRequest) -> ExportRequest:
    """An export with the limit and the tokenizer of the workspace where it names none itself; one that is made as it
    was then has its own. Raises `BadTarget`."""
    if request.target.kind == "own" or request.then is not None:
        return request
    chosen = await training_targets.read(db)
    changes: dict[str, Any] = {}
    if request.limit is None and (limit := chosen.limit_of(request.format)) is not None:
        changes["limit"] = limit
    if request.tokenizer is None and chosen.tokenizer is not None:
        changes["tokenizer"] = chosen.tokenizer
    return replace(request, **changes, from_workspace=tuple(changes)) if changes else request


def moment_in(wanted: Filter) -> datetime | None:
    """The moment as of which a filter asks for conversations, None where it is now. Raises `TraintuiError` when there
    are several: a text is of one of them."""
    moments = sorted({part.moment for part in wanted.stood_as})
    if len(moments) > 1:
        raise TraintuiError(
            "Not exported", "the filter asks what was at several moments, and an export is of one.",
            "Name one, and what it was not at others: is:approved@2026-11-01 -is:approved@2026-10-01.",
        )  # fmt: skip
    return moments[0] if moments else None


def as_of(wanted: Filter, written: str) -> str:
    """The words of a filter that asks for what it means at a moment, approved ones unless it says otherwise. Raises
    `TraintuiError` where it speaks of a status of now, or of another moment."""
    said = f"is:approved@{written.strip().replace(' ', 'T')}"
    asked = parse(said)
    if not wanted.names_status:
        return f"{wanted.text} {said}".strip()
    if not wanted.stood_as:
        raise TraintuiError(
            "Not exported", "status: in the filter is what it is now, not what it was then.",
            f"Say what it was: {said.replace('approved', 'generated')}, or rejected, in place of --as-of.",
        )  # fmt: skip
    if moment_in(wanted) != moment_in(asked):
        raise TraintuiError(
            "Not exported", "the filter names another moment than --as-of.", "Name it once, here or there."
        )
    return wanted.text


def said_of_moment(filter_state: Mapping[str, Any]) -> tuple[Remark, ...]:
    """What is to say of an export that is not of now."""
    if not filter_state.get("as_of"):
        return ()
    moment = datetime.fromisoformat(filter_state["as_of"])
    says = (
        f"as of {moment:%Y-%m-%d %H:%M:%S} UTC: texts, status and decisions are those of then; dimensions, metadata,"
        " scores and what is in the trash are those of now"
    )
    return (Remark(Severity.IGNORED, says),)


def statuses_of(wanted: Filter) -> tuple[str, ...] | None:
    """The statuses that a filter names, None where it names none, `several` where it says which not."""
    if not wanted.names_status:
        return None
    said = [term for term in wanted.written if term.field == "status"]
    if not said:
        return tuple(dict.fromkeys(part.status for part in wanted.stood_as))
    if any(term.negated for term in said):
        return ("several",)
    return tuple(value for term in said for value in wanted.text[term.start : term.end].partition(":")[2].split(","))


def suggested_name(
    format: Format, statuses: tuple[str, ...], day: str, container: Container | None = None,
    *, moment: datetime | None = None,
) -> str:  # fmt: skip
    """How a file is called unless somebody says otherwise: it says so when it does not hold approved ones alone, and
    when it is as of a moment, by the day that this is in or that it ends."""
    told = "" if set(statuses) <= {"approved"} else f"-{'-'.join(statuses)}"
    if moment is not None:
        told += f"-as-of-{(moment - timedelta(microseconds=1)).astimezone():%Y-%m-%d}"
    return f"traintui-export-{format.name}{told}-{day}.{container or format.containers[0]}"


def share_of(written: str) -> float:
    """The share of the eval side as somebody wrote it: 0.1 or 10%, nothing for none. Raises `TraintuiError`."""
    content = written.strip()
    try:
        return float(content.removesuffix("%")) / (100 if content.endswith("%") else 1) if content else 0.0
    except ValueError as error:
        raise TraintuiError(
            "Not exported", f'"{content}" is no share of conversations.', "Give one from 0 to less than 1, as 0.1."
        ) from error


def if_refused(chosen: str) -> IfRefused:
    """The choice of that name."""
    return "leave-out" if chosen == "leave-out" else "stop"


def if_cut(chosen: str) -> IfCut:
    """The choice of that name."""
    return "leave-out" if chosen == "leave-out" else "stop" if chosen == "stop" else "write"
