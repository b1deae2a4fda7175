"""Style sheets that are read once each."""

from __future__ import annotations

from collections.abc import Mapping

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

Read = LRUCache[tuple[object, ...], list[RuleSet]]
SHEETS = 1_024
"""Sheets that are kept for each set of colours: all there are, and the few that a widget brings in several places."""
_READ: dict[frozenset[tuple[str, str]], Read] = {}


class ReadOnce(Stylesheet):
    """The style sheets of the app. Textual reads all of them anew whenever a screen brings one more, some 0.1 s
    each time; what was read stays good here, and in the next app of this process, for as long as the colours are the
    same, and is there still when they come back."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables=dict(variables))
        self._keep(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Takes other colours, for which everything has to be read unless it was before."""
        if variables != self._variables:
            self._parse_cache = LRUCache(SHEETS)  # the old one, which is cleared otherwise, is still good
            super().set_variables(dict(variables))
            self._keep(variables)

    def reparse(self) -> None:
        """Reads what was not read yet. Raises as `parse` does; the rules are then as before."""
        self.parse()

    def _keep(self, variables: Mapping[str, str]) -> None:
        """Uses what was read with these colours."""
        self._parse_cache = _READ.setdefault(frozenset(variables.items()), LRUCache(SHEETS))
