"""Where templates run: without a way out, and without a way to go on for good or to fill the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_STEPS = 100_000
"""Rounds of loops and calls that a prompt may take; a large one takes some hundred."""
LONGEST = 1_000_000
"""Characters, items or digits that a multiplication may make."""

_left: ContextVar[int] = ContextVar("steps_left", default=MOST_STEPS)


@contextmanager
def limited() -> Iterator[None]:
    """What is rendered in the block may take so many steps together."""
    token = _left.set(MOST_STEPS)
    try:
        yield
    finally:
        _left.reset(token)


def step() -> None:
    """Counts a round or a call. Raises `SecurityError` where there were too many."""
    left = _left.get() - 1
    _left.set(left)
    if left < 0:
        raise SecurityError(f"more than {MOST_STEPS:,} rounds of loops and calls")


def counted(items: Iterable[Any]) -> Iterator[Any]:
    """The items of a loop, each of which is a round."""
    for item in items:
        step()
        yield item


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with its rounds counted. Names that nobody knows are mistakes."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False, trim_blocks=False)
        self.filters["counted"] = counted

    def compiled(self, source: str) -> Template:
        """A template whose loops count their rounds. Raises `TemplateSyntaxError`."""
        tree = self.parse(source)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return self.from_string(tree)

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls something, which counts."""
        step()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiplies, unless the result would be very long."""
        if operator == "**":
            too_long = isinstance(left, int) and isinstance(right, int) and right * left.bit_length() > LONGEST
        else:
            sizes = [len(each) if hasattr(each, "__len__") else each for each in (left, right)]
            repeats = any(hasattr(each, "__len__") for each in (left, right))
            too_long = repeats and all(isinstance(each, int) for each in sizes) and sizes[0] * sizes[1] > LONGEST
        if too_long:
            raise SecurityError("the result would be too long")
        return super().call_binop(context, operator, left, right)
