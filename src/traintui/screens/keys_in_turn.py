"""Keys that arrive together act one after the other, each where the one before it has led."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.worker import Worker

from traintui.clock import ticks

LOOK = 0.25
"""Seconds between two looks whether a key got lost on its way, in a field that is gone."""
AGAIN = 0.02
"""Seconds between two looks whether work that leads on is done."""
FOLLOW = 2.0
"""Seconds for which keys wait for work that leads on: where it takes longer, they belong to what is there meanwhile."""
LONGEST = 5.0
"""Seconds after which a key keeps nobody waiting any longer, wherever it is."""


class KeysInTurn(App[None]):
    """An app that looks at a key once what the one before it asked for is there: text in its field, a focus, a dialog
    that is open or closed.

    Textual forwards a key to what has the focus when it is read, and acts when it comes back from there. Of `/a`, in
    one piece from a slow line, the `a` would go where the `/` was pressed, and decide. What the key does is told
    upwards by messages, one node after the other: a letter after `enter` would go to the field that is being left.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._typed_ahead: deque[Key | Paste] = deque()
        self._key_under_way: Key | Paste | None = None
        self._key_at: DOMNode = self
        """Which node has the key that is under way, or what came of it."""
        self._late: asyncio.TimerHandle | None = None
        self._followed: Worker[Any] | None = None
        """The work that the key which is under way has begun, and which leads on."""
        self._followed_until = 0.0

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

    def keys_follow(self, worker: Worker[Any]) -> None:
        """What is typed after the key that began this work is for what that leads to: a form that is stored closes."""
        if self._key_under_way is not None:
            self._followed, self._followed_until = worker, ticks() + FOLLOW

    async def _begin_key(self, event: Key | Paste) -> None:
        self._key_under_way = event
        target = self._key_at = self.focused or self.screen
        self._look_for_key(event, LONGEST)
        await super().on_event(event)
        if event.is_forwarded:
            self._trace_key(target, target, event)
        else:  # a key with priority: what it does is done
            self._settle_key(target, event)

    # The key on its way up

    def _trace_key(self, node: DOMNode, target: DOMNode, event: Key | Paste) -> None:
        """Looks at the key again when a node has had it."""
        self._key_at = node
        if not node.call_later(self._key_had, node, target, event):
            self._settle_key(target, event)

    def _key_had(self, node: DOMNode, target: DOMNode, event: Key | Paste) -> None:
        parent = node.parent
        if parent is self:  # if nothing took it as text, it is here before this is
            self._key_at = self
            self.call_later(self._settle_key, target, event)
        elif event._stop_propagation or not event.bubble or parent is None:
            self._settle_key(target, event)
        else:
            self._trace_key(parent, target, event)

    # What it asked for, on its way up

    def _settle_key(self, node: DOMNode | None, event: Key | Paste) -> None:
        """What was asked for comes next: nodes tell each other upwards, and a focus is set in the queue of the app."""
        if event is not self._key_under_way:
            return
        while node is not None and node is not self:
            self._key_at = node
            if node.call_later(self._had_settled, node, event):
                return
            node = node.parent  # it is closed: it has told all that it had to tell
        self._key_at = self
        self.call_later(self._told_all, self.screen, event)

    def _had_settled(self, node: DOMNode, event: Key | Paste) -> None:
        self._settle_key(node if node.message_queue_size else node.parent, event)  # what it told itself stands behind

    def _told_all(self, screen: Screen[Any], event: Key | Paste) -> None:
        """Another screen by now, or one that was there and is on top again, sets its focus in its own queue."""
        if self.message_queue_size:
            self.call_later(self._told_all, screen, event)
        elif not screen.call_later(self.call_later, self._end_key, screen, event):
            self.call_later(self._end_key, screen, event)

    async def _end_key(self, screen: Screen[Any] | None, event: Key | Paste) -> None:
        if event is not self._key_under_way:
            return
        if self._followed is not None and screen is not None:
            if self._followed.is_finished or ticks() > self._followed_until:
                self._followed = None
                self._settle_key(self.screen, event)
            else:
                asyncio.get_running_loop().call_later(AGAIN, self.call_later, self._end_key, screen, event)
            return
        if screen is not None and screen is not self.screen:
            self._settle_key(self.screen, event)
            return
        self._key_under_way = self._followed = None
        if self._late is not None:
            self._late.cancel()
        if self._typed_ahead:
            await self._begin_key(self._typed_ahead.popleft())

    # A key that is lost

    def _look_for_key(self, event: Key | Paste, patience: float) -> None:
        """Ends a key that was with a node which is gone, and one that is not done after all this time."""
        if event is not self._key_under_way:
            return
        lives = self._key_at is self or (self._key_at.is_running and self._key_at.is_attached)
        if patience > 0 and lives:
            self._late = asyncio.get_running_loop().call_later(LOOK, self._look_for_key, event, patience - LOOK)
        else:
            self.call_later(self._end_key, None, event)
