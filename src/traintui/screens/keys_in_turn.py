"""Keys that arrive together act one after the other, each where the one before it has led."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key, Paste

PATIENCE = 0.25
"""Seconds after which a key that got lost on its way keeps nobody waiting any longer."""


class KeysInTurn(App[None]):
    """An app that looks at a key once what the one before it asked for is there: text in its field, a focus, a dialog.

    Textual forwards a key to what has the focus when it is read, and acts when it comes back from there. Of `/a`, in
    one piece from a slow line, the `a` would go where the `/` was pressed, and decide.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._typed_ahead: deque[Key | Paste] = deque()
        self._key_under_way: Key | Paste | None = None
        self._late: asyncio.TimerHandle | None = None

    async def on_event(self, event: Event) -> None:
        """Keys and pastes wait for their turn."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_under_way is not None:
            self._typed_ahead.append(event)
        else:
            await self._begin_key(event)

    def press_again(self, key: Key) -> None:
        """A key was for what comes next, and acts there: before those that were pressed after it."""
        again = Key(key.key, key.character)
        if self._key_under_way is None:
            self.post_message(again)
        else:
            self._typed_ahead.appendleft(again)

    async def _begin_key(self, event: Key | Paste) -> None:
        self._key_under_way = event
        self._late = asyncio.get_running_loop().call_later(PATIENCE, self.call_later, self._end_key, event)
        target = self.focused or self.screen
        await super().on_event(event)
        if event.is_forwarded:
            self._trace_key(target, event)
        else:  # a key with priority: what it does is done
            self._settle_key(event)

    def _trace_key(self, node: DOMNode, event: Key | Paste) -> None:
        """Looks at the key again when a node has had it."""
        if not node.call_later(self._key_had, node, event):
            self._settle_key(event)

    def _key_had(self, node: DOMNode, event: Key | Paste) -> None:
        parent = node.parent
        if parent is self:  # if nothing took it as text, it is here before this is
            self.call_later(self._settle_key, event)
        elif event._stop_propagation or not event.bubble or parent is None:
            self._settle_key(event)
        else:
            self._trace_key(parent, event)

    def _settle_key(self, event: Key | Paste) -> None:
        """What was asked for comes next: a dialog is opened in its own queue, a focus is set in that of the app."""
        if event is self._key_under_way and not self.screen.call_later(self.call_later, self._end_key, event):
            self.call_later(self._end_key, event)

    async def _end_key(self, event: Key | Paste) -> None:
        if event is not self._key_under_way:
            return
        self._key_under_way = None
        if self._late is not None:
            self._late.cancel()
        if self._typed_ahead:
            await self._begin_key(self._typed_ahead.popleft())
