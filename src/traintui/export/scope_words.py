"""The scope of an export as the log has it, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def scope_in_words(state: Mapping[str, Any]) -> str:
    """What was exported; empty where that is everything that is approved."""
    again = state.get("again") or {}
    if again.get("as_of") == "then":
        rest = scope_in_words({name: value for name, value in state.items() if name != "again"})
        return f"as {again['export']} was" + (f": {rest}" if rest else "")
    words = str(state.get("filter") or "")
    if (selected := state.get("selected")) is not None:
        return f"{selected:,} selected" + (f", of {words}" if words else "")
    return f'the view "{state["view"]}": {words}' if state.get("view") else words
