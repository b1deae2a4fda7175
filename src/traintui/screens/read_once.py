"""Style sheets that are read once each."""

from __future__ import annotations

from collections.abc import Mapping

from textual.css.stylesheet import Stylesheet


class ReadOnce(Stylesheet):
    """The style sheets of the app. Textual reads all of them anew whenever a screen brings one more, some 0.1 s
    each time; what was read stays good here as long as the colours are the same."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables=dict(variables))
        self._read_with = dict(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Takes other colours, for which everything has to be read again."""
        if variables != self._read_with:
            self._read_with = dict(variables)
            super().set_variables(variables)

    def reparse(self) -> None:
        """Reads what was not read yet. Raises as `parse` does; the rules are then as before."""
        self.parse()
