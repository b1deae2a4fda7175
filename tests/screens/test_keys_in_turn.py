"""Keys that are typed at once reach what the one before them has led to, and none of them is lost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import ClassVar

import pytest
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.keys import _character_to_key
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.waiting import until
from support import imported
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.screens import keys_in_turn
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.keys_in_turn import KeysInTurn


class Line(Vertical):
    """A field that says in a message of its own what was entered."""

    @dataclass
    class Entered(Message):
        value: str

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Input()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered(event.value))


class Dialog(ModalScreen[str]):
    """A dialog around such a field, some containers deep."""

    def compose(self) -> ComposeResult:
        with Vertical(), Vertical():
            yield Line()

    @on(Line.Entered)
    def _done(self, event: Line.Entered) -> None:
        self.dismiss(event.value)


class Form(ModalScreen[str]):
    """A form that is stored by work which takes as long as it takes, and then closes."""

    def __init__(self, answered: asyncio.Event, *, fails: bool) -> None:
        super().__init__()
        self.answered, self.fails = answered, fails

    def compose(self) -> ComposeResult:
        yield Input()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        assert isinstance(self.app, KeysInTurn)
        self.app.keys_follow(self.run_worker(self._store(event.value), exit_on_error=False))

    async def _store(self, value: str) -> None:
        await self.answered.wait()
        if self.fails:
            raise ValueError(value)
        self.dismiss(value)


class KeyApp(KeysInTurn):
    """Notes what is pressed where; `/` opens the dialog, `w` keeps it busy for a while, `d` removes what has it, `f`
    opens a form and `g` one that is not stored."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask"), Binding("w", "work"), Binding("d", "drop"), Binding("ctrl+s", "ask", priority=True),
        Binding("f", "fill(False)"), Binding("g", "fill(True)"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []
        self.answered = asyncio.Event()

    def action_fill(self, fails: bool) -> None:
        self.push_screen(Form(self.answered, fails=fails), lambda value: self.noted.append(f"entered {value}"))

    def on_key(self, event: Key) -> None:
        if event.key in {"x", "y", "z"}:
            self.noted.append(event.key)

    def action_ask(self) -> None:
        self.push_screen(Dialog(), lambda value: self.noted.append(f"entered {value}"))

    def action_work(self) -> None:
        time.sleep(0.6)  # as where another program has the processor
        self.push_screen(Dialog(), lambda value: self.noted.append(f"entered {value}"))

    async def action_drop(self) -> None:
        field = Input(id="gone")
        await self.screen.mount(field)
        field.focus()


def type_at_once(app: KeysInTurn, *keys: str) -> None:
    """Types keys without waiting for anything in between, as a slow line brings them."""
    for key in keys:
        is_sign = len(key) == 1
        app.post_message(Key(_character_to_key(key) if is_sign else key, key if is_sign else None))


@pytest.mark.parametrize("opening", ["slash", "w", "ctrl+s"])
async def test_what_is_typed_after_enter_goes_where_enter_leads_and_not_into_the_field(opening: str) -> None:
    app = KeyApp()
    async with app.run_test() as pilot:
        type_at_once(app, opening, "a", "b", "enter", "x", "y", opening, "c", "enter", "z")
        await until(pilot, lambda: "z" in app.noted)
        assert app.noted == ["entered ab", "x", "y", "entered c", "z"]


async def test_what_is_typed_while_a_form_is_stored_is_for_what_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys_in_turn, "FOLLOW", 600.0)
    monkeypatch.setattr(keys_in_turn, "LONGEST", 600.0)
    app = KeyApp()
    async with app.run_test() as pilot:
        type_at_once(app, "f", "a", "enter", "x")
        await until(pilot, lambda: isinstance(app.screen, Form) and any(not work.is_finished for work in app.workers))
        await pilot._wait_for_screen()
        assert (app.screen.query_one(Input).value, app.noted) == ("a", [])
        app.answered.set()
        await until(pilot, lambda: app.noted == ["entered a", "x"])


async def test_what_is_typed_while_a_form_is_stored_is_typed_into_it_where_it_stays() -> None:
    app = KeyApp()
    async with app.run_test() as pilot:
        type_at_once(app, "g", "a", "enter", "x")
        app.answered.set()
        await until(pilot, lambda: app.screen.query_one(Input).value == "ax")


async def test_keys_wait_for_a_form_no_longer_than_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_in_turn, "FOLLOW", 0.0)
    app = KeyApp()
    async with app.run_test() as pilot:
        type_at_once(app, "f", "a", "enter", "x")
        await until(pilot, lambda: app.screen.query_one(Input).value == "ax")
        app.answered.set()


async def test_a_key_in_a_field_that_is_removed_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_in_turn, "LONGEST", 600.0)
    app = KeyApp()
    async with app.run_test() as pilot:
        await pilot.press("d")
        await until(pilot, lambda: app.focused is not None)
        app.post_message(Key("p", "p"))
        await app.query_one("#gone").remove()
        type_at_once(app, "x")
        await until(pilot, lambda: "x" in app.noted)


async def test_a_key_after_the_enter_of_the_filter_moves_the_table(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 3)
    async with app.run_test(size=(120, 30)) as pilot:
        screen = app.get_screen_stack("conversations")[0]
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: len(screen.table.rows) == 3)
        type_at_once(app, *"/turns=2", "enter", "j", "j")
        await until(pilot, lambda: screen.table.cursor == 2)
        assert screen.table.has_focus and screen.filter_line.field.value == "turns=2"
        assert [row.conversation_id for row in screen.table.rows] == ids[::-1]
