"""What the label of a statement is about, in the words of the verb that it names: `conversations.window` is a function
of `data/conversations.py`, and its docstring says what it gives."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from traintui.data.query_labels import OTHER


@cache
def about(label: str) -> str:
    """The first sentence of what a label stands for; of its module where the verb says nothing itself, and empty where
    there is none of that name any more. Reads a source file."""
    if label == OTHER:
        return "Statements outside of any verb"
    module, _, verb = label.rpartition(".")
    for package in ("traintui.data", "traintui"):
        tree = _source_of(f"{package}.{module}") if module else None
        if tree is not None:
            return _said_of(tree, verb)
    return ""


def _source_of(module: str) -> ast.Module | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _said_of(tree: ast.Module, verb: str) -> str:
    named = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.strip("_") == verb
    ]  # fmt: skip
    said = next((doc for node in named if (doc := ast.get_docstring(node))), None) or ast.get_docstring(tree) or ""
    return " ".join(said.split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
