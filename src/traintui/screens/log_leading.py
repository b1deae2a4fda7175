"""Where a row of a log leads: to what the logs have of the conversation that it is about, and to its trail."""

from __future__ import annotations

from typing import Generic, TypeVar

from traintui.data.filter_editing import spelled
from traintui.screens.log_ordering import OrderingPane
from traintui.screens.shell import ShowLog

RowT = TypeVar("RowT")


class LeadingPane(OrderingPane, Generic[RowT]):
    """What is done with the conversation of the row under the cursor. A subclass says which one that is."""

    def conversation_of(self, row: RowT) -> str | None:
        """The conversation that a row is about, if it is about one."""
        return None

    @property
    def conversation(self) -> str | None:
        """The conversation that the row under the cursor is about, if it is about one."""
        row = self.table.current if self.is_mounted else None
        return None if row is None else self.conversation_of(row)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What leads to a conversation rests where a row is about none."""
        if action in {"trail", "conversation", "its"}:
            return self.conversation is not None
        return super().check_action(action, parameters)

    def action_conversation(self) -> None:
        """Shows only rows of the conversation that the one under the cursor is about."""
        if (public := self.conversation) is not None:
            self.apply(f"conversation:{spelled(public)}", top=True)

    def action_its(self, log: str) -> None:
        """Shows what a log has of the conversation that the row under the cursor is about."""
        if (public := self.conversation) is not None:
            self.post_message(ShowLog(log, f"conversation:{spelled(public)}"))

    def action_trail(self) -> None:
        """Opens the trail of the conversation that the row under the cursor is about."""
        from traintui.screens.trail import TrailDialog

        if (public := self.conversation) is not None:
            self.app.push_screen(TrailDialog(public))
