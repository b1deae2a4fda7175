"""The command line. Results go to standard output, messages to standard error; exit 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

import traintui
from traintui.errors import TraintuiError
from traintui.settings import Settings, load_settings

if TYPE_CHECKING:
    from traintui.data.engine import Database

T = TypeVar("T")

app = typer.Typer(
    name="traintui",
    help="Turn your team's documents into a reviewed dataset of conversations for LoRA fine-tuning.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db_app = typer.Typer(help="The database: upgrade it, ask how it is.", no_args_is_help=True)
user_app = typer.Typer(help="Who may do what.", no_args_is_help=True)
app.add_typer(db_app, name="db")
app.add_typer(user_app, name="user")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Filter = Annotated[str, typer.Option("--filter", help="Which conversations, as in the app: 'persona:x score>=7'.")]
Attached = Annotated[bool, typer.Option("--attached", hidden=True)]


class RoleName(StrEnum):
    """The roles that a person can have."""

    reviewer = "reviewer"
    author = "author"
    auditor = "auditor"
    admin = "admin"


class Rehearsal(StrEnum):
    """Whether conversations that the rehearsal wrote are exported."""

    include = "include"
    exclude = "exclude"


def say(message: str) -> None:
    """A message to the person, beside the result. What a terminal would obey instead of show is left out."""
    print(harmless(message), file=sys.stderr, flush=True)


def harmless(text: str) -> str:
    """Text without control characters, and without signs that change the direction of writing."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def main() -> None:
    """Runs what the command line asks for and ends the process."""
    logging.getLogger("anthropic").addHandler(logging.NullHandler())
    try:
        app(prog_name="traintui")
    except TraintuiError as error:
        say(f"traintui: {error.title}: {error.message}\n{error.remedy}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        say(f"traintui: Stopped: {type(error).__name__}, which Traintui did not expect.\n{keep_traceback(error)}")
        sys.exit(1)


def keep_traceback(error: Exception) -> str:
    """Writes down what happened, for those who mend it; the line that tells where."""
    from traintui.settings import default_home

    for directory in (default_home() / "logs", Path.cwd()):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / "traintui-error.log"
            with path.open("a", encoding="utf-8") as file:
                traceback.print_exception(error, file=file)
        except OSError:
            continue
        return f"Look at what was done before you repeat it, and send {path} to the makers."
    return "Look at what was done before you repeat it, and run `traintui doctor`."


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def workspace(settings: Settings | None = None) -> AsyncIterator[Database]:
    """The workspace of the settings; what takes a while is said."""
    from traintui.data.workspace import open_workspace

    async with open_workspace(settings or load_settings()) as db:
        yield db


@contextmanager
def administrative() -> Iterator[str]:
    """A connection string for what only an administrator of the server may: the embedded superuser's, or one's own."""
    from traintui.data.workspace import administration

    with administration(load_settings()) as conninfo:
        yield conninfo


# The app ----------------------------------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def open_app(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Open the app."""
    if version:
        print(f"traintui {traintui.__version__}")
    elif context.invoked_subcommand is None:
        from traintui.doctor import require_terminal

        settings = load_settings()
        require_terminal()
        from traintui.app import TraintuiApp

        screen = TraintuiApp(settings)
        screen.run()
        sys.exit(screen.return_code or 0)


@app.command()
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="The whole loop without a screen.")] = False,
    home: Annotated[Path | None, typer.Option(help="Keep the workspace in this directory.")] = None,
    json_: Json = False,
) -> None:
    """A throw-away workspace: sample documents, a rehearsal instead of a model, nothing to pay."""
    from traintui.demo.run import demo_home, demo_settings, run_headless

    personal = load_settings()
    if not headless:
        from traintui.doctor import require_terminal

        require_terminal()
        from traintui.app import TraintuiApp

        with demo_home(home) as (directory, farewell):
            screen = TraintuiApp(demo_settings(directory, personal), demo=True, farewell=farewell)
            screen.run()
        sys.exit(screen.return_code or 0)
    with demo_home(home) as (directory, _):
        summary = run(run_headless(personal, directory))
    if json_:
        print(json.dumps(summary.as_json()))
        return
    print(f"documents  {summary.documents}")
    print(f"generated  {summary.generated} in {summary.calls} calls, {summary.failed} failed")
    print(f"approved   {summary.approved} that score 6 or more")
    print(f"exported   {summary.exported} to {summary.path}")
    print(f"cost       ${summary.cost_usd} by the rehearsal's bill; nothing is paid")
    print(f"time       {summary.seconds} s")


@app.command()
def doctor(json_: Json = False) -> None:
    """What works here, what does not, and what to do."""
    from traintui.doctor import Finding, examine

    async def collect() -> list[Finding]:
        found = []
        async for finding in examine(load_settings()):
            found.append(finding)
            if not json_:
                print(f"{finding.state:8}{finding.name:12}{finding.message}", flush=True)
                if finding.remedy:
                    print(f"{'':20}{finding.remedy}", flush=True)
        return found

    findings = run(collect())
    if json_:
        keys = ("name", "state", "message", "remedy")
        print(json.dumps({"findings": [{key: getattr(finding, key) for key in keys} for finding in findings]}))
    if any(finding.state == "failed" for finding in findings):
        sys.exit(1)


# In and out -------------------------------------------------------------------------------------------------------


@app.command("import")
def import_(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Documents (.md .txt) or conversations (.jsonl).")
    ],
    format: Annotated[
        Literal["openai", "sharegpt"] | None, typer.Option(help="Of conversations; recognised where it is left out.")
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Take the good lines of a file.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and store nothing.")] = False,
    json_: Json = False,
) -> None:
    """Bring in documents to write from, or conversations that you have."""
    from traintui.importing.store import ImportSummary, import_paths

    async def work() -> ImportSummary:
        async with workspace() as db:
            return await import_paths(db, paths, format=format, keep_going=keep_going, dry_run=dry_run)

    summary = run(work())
    if json_:
        print(json.dumps(summary.as_json()))
        return
    for document in summary.documents:
        retired = f", {document.retired_count} retired" if document.retired_count else ""
        outcome = "would be read" if dry_run else document.outcome
        chunks = "1 chunk" if document.chunk_count == 1 else f"{document.chunk_count} chunks"
        print(f"{document.name}: {outcome}, {chunks}{retired}")
    if summary.vocabulary:
        print(f"vocabulary: {summary.vocabulary} values{' would be read' if dry_run else ''}")
    if summary.starter:
        say(f"A starter vocabulary of {summary.starter} values was added; docs/guide.md says how to change it.")
    for file in summary.conversations:
        would = "would be checked against what is here" if dry_run else f"new, {file.known} known already"
        print(harmless(f"{file.path} ({file.format}): {file.imported} {would}"))
        if file.ignored:
            say(f"  left out, since a turn has no place for it: {', '.join(file.ignored)}")
        for problem in file.problems:
            say(f"  line {problem.line}: {problem.why}")


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[str, typer.Option(help="openai")] = "openai",
    filter_text: Filter = "",
    rehearsal: Annotated[Rehearsal, typer.Option(help="Conversations that the rehearsal wrote.")] = Rehearsal.exclude,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json_: Json = False,
) -> None:
    """Write approved conversations as a training file."""
    from traintui.export.write import ExportSummary, export_conversations

    async def work() -> ExportSummary:
        async with workspace() as db:
            return await export_conversations(
                db, filter_text=filter_text, path=out, format=format, rehearsal=rehearsal is Rehearsal.include,
                overwrite=overwrite,
            )  # fmt: skip

    summary = run(work())
    if json_:
        print(json.dumps(summary.as_json()))
        return
    print(summary.path)
    of_rehearsal = f", {summary.rehearsal} of them written by the rehearsal" if summary.rehearsal else ""
    say(f"{summary.count} conversations{of_rehearsal}; SHA-256 {summary.sha256}")
    if summary.unapproved:
        say(f"{summary.unapproved} of them are not approved: the filter names their status.")
    if summary.left_out_rehearsal:
        say(f"{summary.left_out_rehearsal} of the rehearsal left out; --rehearsal include takes them too.")


# Generation -------------------------------------------------------------------------------------------------------


@app.command()
def generate(
    plan: Annotated[Path, typer.Option(help="A TOML file that says what to generate.")],
    wait: Annotated[bool, typer.Option("--wait", help="Generate here and now, until it is done.")] = False,
    json_: Json = False,
) -> None:
    """Queue a batch of conversations, and with --wait generate them."""
    from traintui.data import batches
    from traintui.data.records import BatchProgress
    from traintui.generation.plan import load_plan
    from traintui.generation.provider import provider_of
    from traintui.generation.start import start_batch

    async def work() -> BatchProgress:
        chosen, settings = load_plan(plan), load_settings()
        provider = await provider_of(settings)
        async with workspace(settings) as db:
            batch_id = await start_batch(db, chosen, is_rehearsal=provider.is_rehearsal)
            say(f"Batch {batch_id}: {chosen.count} conversations of {chosen.model} are queued.")
            if wait:
                from traintui.generation.serve import run_worker
                from traintui.processes import stopping

                async with stopping(attached=False) as stop:
                    await run_worker(db, provider, slots=chosen.slots, stop=stop, say=say)
            return await batches.progress(db, batch_id)

    progress = run(work())
    cost = f"${progress.cost_usd}" + (" and calls of unknown price" if progress.unpriced_calls else "")
    if json_:
        keys = ("id", "name", "state", "state_reason", "total", "done", "failed", "queued", "calls")
        print(json.dumps({key: getattr(progress, key) for key in keys} | {"cost_usd": str(progress.cost_usd)}))
    elif wait:
        print(f"{progress.state}: {progress.done} done, {progress.failed} failed of {progress.total}; {cost}")
        if progress.state_reason:
            say(progress.state_reason)
    else:
        print(f"batch {progress.id} queued; it runs while the app or `traintui worker` does")
    if wait and progress.state != "finished":
        sys.exit(1)


@app.command()
def worker(
    slots: Annotated[int, typer.Option(min=1, max=256, help="Calls in flight at a time.")] = 4,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
    attached: Attached = False,
) -> None:
    """Generate what is queued, without a screen; on as many machines as wanted."""
    from traintui.generation.serve import serve

    run(serve(load_settings(), slots=slots, until_idle=until_idle, attached=attached, say=say))


@app.command()
def rehearsal(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    attached: Attached = False,
) -> None:
    """The loopback Messages API on its own: it writes conversations by rule, for trying and testing."""
    from traintui.generation.rehearsal import serve
    from traintui.processes import stopping

    async def work() -> None:
        async with stopping(attached=attached) as stop:
            await serve(port, announce=lambda line: print(line, flush=True), until=stop)

    run(work())


# Database and users -----------------------------------------------------------------------------------------------


@db_app.command()
def upgrade(revision: Annotated[str, typer.Argument(metavar="[REV]")] = "head") -> None:
    """Bring the schema to the newest revision, or to the one named."""
    from traintui.data import schema

    with administrative() as conninfo:
        change_schema(conninfo, revision)
        print(schema.current_revision(conninfo))


@db_app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(metavar="REV")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the schema back to a revision; `base` removes everything that is in it."""
    from traintui.data import schema

    with administrative() as conninfo:
        if not yes:
            question = f"Going back to {revision} may remove conversations and logs for good. Go on?"
            typer.confirm(question, abort=True, err=True)
        change_schema(conninfo, revision, down=True)
        print(schema.current_revision(conninfo) or "base")


def change_schema(conninfo: str, revision: str, *, down: bool = False) -> None:
    """Brings the workspace to a revision; says where an embedded one was backed up before."""
    from traintui.data import workspace
    from traintui.data.embedded import EmbeddedServer

    settings = load_settings()
    server = EmbeddedServer(settings.home) if settings.embedded else None
    if made := workspace.change_schema(conninfo, server, revision, down=down):
        say(f"Backed up first, to {made.path}")


@db_app.command("backup")
def back_up(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A new file, or a directory for one.")],
    json_: Json = False,
) -> None:
    """Write the whole embedded workspace into one file; the app may go on meanwhile."""
    from traintui.data import backup
    from traintui.data.workspace import embedded_administration

    with embedded_administration(load_settings()) as server:
        made = backup.back_up(server, path)
    if json_:
        told = {name: getattr(made, name) for name in ("bytes", "sha256", "revision", "seconds")}
        print(json.dumps({"path": str(made.path), **told}))
        return
    print(made.path)
    say(f"{made.bytes / 1e6:,.1f} MB of revision {made.revision} in {made.seconds:.1f} s; SHA-256 {made.sha256}")


@db_app.command("restore")
def restore_backup(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Make the embedded workspace what it was in a backup. What is there now is backed up first."""
    from traintui.data import restore
    from traintui.data.workspace import embedded_administration

    with embedded_administration(load_settings()) as server:
        revision = restore.checked_revision(server, path)
        if not yes:
            question = f"What was done since {path} was written (revision {revision}) leaves the workspace. Go on?"
            typer.confirm(question, abort=True, err=True)
        done = restore.restore(server, path, progress=say)
    if json_:
        told = {name: getattr(done, name) for name in ("revision_before", "revision", "conversations", "seconds")}
        replaced = str(done.replaced.path) if done.replaced else None
        print(json.dumps({"path": str(done.path), **told, "replaced": replaced, "strangers": done.strangers}))
        return
    print(f"{done.conversations} conversations as of {done.path}, at revision {done.revision}")
    if done.replaced:
        say(f"What was there before is in {done.replaced.path}")
    for name in done.strangers:
        say(f"{name} is in its logs and has no login here: traintui user add {name} --role ROLE")


@db_app.command()
def current(json_: Json = False) -> None:
    """The revision that the database is at, and the one that this Traintui needs."""
    from traintui.data import schema

    with administrative() as conninfo:
        found = schema.current_revision(conninfo)
    if json_:
        print(json.dumps({"current": found, "needed": schema.HEAD, "up_to_date": found == schema.HEAD}))
    else:
        print(f"{found or 'none'}{' (newest)' if found == schema.HEAD else f', and {schema.HEAD} is needed'}")


@db_app.command()
def roles() -> None:
    """The SQL that makes Traintui's roles, for a server where somebody else must run it."""
    from traintui.data import schema

    print(schema.bootstrap_sql(), end="")


@user_app.command("add")
def add_user(name: str, role: Annotated[RoleName, typer.Option(help="What they may do.")]) -> None:
    """Make a login, or give one another role."""
    from traintui.data import users

    refuse_own_login(name, "change")
    with administrative() as conninfo:
        password = users.add_user(conninfo, name, role.value, with_password=not load_settings().embedded)
    print(f"{name} is {'an' if role.value[0] == 'a' else 'a'} {role.value}")
    if password:
        say(f"Password, shown this once: {password}")


def refuse_own_login(name: str, what: str) -> None:
    """Raises `TraintuiError` for the login of who runs an embedded server, which is its administrator."""
    from traintui.data import users

    if load_settings().embedded and name == users.own_login():
        raise TraintuiError(
            "Own login",
            f"{name} runs this embedded workspace and administers it, so nobody can {what} that login.",
            "Use a shared server where roles must bind everybody: see docs/operations.md.",
        )


@user_app.command("list")
def list_users(json_: Json = False) -> None:
    """Everybody with a role."""
    from traintui.data import users

    with administrative() as conninfo:
        people = users.list_users(conninfo)
    if json_:
        print(json.dumps({"users": [{"name": p.name, "role": p.role, "active": p.active} for p in people]}))
        return
    for person in people:
        print(f"{person.name:24}{person.role:12}{'' if person.active else 'disabled'}".rstrip())


@user_app.command("disable")
def disable_user(name: str) -> None:
    """Shut a login out. It stays on record: the logs name it."""
    from traintui.data import users

    refuse_own_login(name, "shut out")
    with administrative() as conninfo:
        users.disable_user(conninfo, name)
    print(f"{name} is disabled")
