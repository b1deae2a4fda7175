"""From a planned conversation to the words a model reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import TracebackType
from typing import Literal, get_args

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError, meta, nodes

from traintui.errors import TraintuiError
from traintui.generation.meant import nearest
from traintui.generation.sandbox import Sandbox, limited

BUILTIN_VERSION = 1
TemplateKind = Literal["conversation", "rubric", "regeneration"]
TEMPLATE_KINDS: tuple[TemplateKind, ...] = get_args(TemplateKind)


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A prompt template as a person wrote it: Jinja2 for the system prompt and for the user message. Its kind says
    whether conversations are written with it, judged (a rubric), or written anew in part, and so which names it may
    use."""

    name: str
    version: int
    system: str
    user: str
    kind: TemplateKind = "conversation"


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a dimension with what people call it and what it means."""

    value: str
    label: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The passage that a conversation is grounded in. `heading` is its path, as in `Accounts > Overdraft`."""

    document: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class PromptContext:
    """The names a template may use."""

    persona: Facet
    emotion: Facet
    topic: Facet
    intent: Facet
    tone: Facet
    tier: str
    source: Source | None
    exchanges: int
    variation: int


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn of a conversation that is judged; `number` counts from 1."""

    number: int
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class RubricContext:
    """The names a rubric may use. A dimension, the tier, the source and the system prompt are none where the
    conversation has none; `criteria` are the names of what it is to be judged by."""

    persona: Facet | None
    emotion: Facet | None
    topic: Facet | None
    intent: Facet | None
    tone: Facet | None
    tier: str | None
    source: Source | None
    system_prompt: str | None
    turns: tuple[SpokenTurn, ...]
    criteria: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegenerationContext:
    """The names that a template for writing turns anew may use: those of a rubric but its criteria, the numbers of the
    `first` and the `last` turn that are asked for, and what a reviewer found wrong, none where they did not say."""

    persona: Facet | None
    emotion: Facet | None
    topic: Facet | None
    intent: Facet | None
    tone: Facet | None
    tier: str | None
    source: Source | None
    system_prompt: str | None
    turns: tuple[SpokenTurn, ...]
    first: int
    last: int
    reason: str | None
    note: str | None


Context = PromptContext | RubricContext | RegenerationContext


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent. `system` is the stable prefix that calls of one template share, and that the cache keeps."""

    system: str
    user: str


NAMES = tuple(field.name for field in fields(PromptContext))
NAMES_OF: dict[TemplateKind, tuple[str, ...]] = {
    "conversation": NAMES,
    "rubric": tuple(field.name for field in fields(RubricContext)),
    "regeneration": tuple(field.name for field in fields(RegenerationContext)),
}
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("persona", "emotion", "topic", "intent", "tone"), tuple(field.name for field in fields(Facet))),
    "source": tuple(field.name for field in fields(Source)),
}
"""What can stand behind a dot of which name."""
_PARTS = {"system": "the system prompt", "user": "the user message"}
_OUR_TAG = re.compile(r"<(?=\s*/?\s*(?:source|brief|conversation|turn|reason|note)\b)", re.IGNORECASE)
_FOLDERS: dict[TemplateKind, str] = {"conversation": "templates", "rubric": "rubrics", "regeneration": "regenerations"}

_environment = Sandbox()


def builtin_names(kind: TemplateKind = "conversation") -> list[str]:
    """The names of the templates of a kind that come with Traintui."""
    return sorted(
        entry.name.removesuffix(".user.j2") for entry in _folder(kind).iterdir() if entry.name.endswith(".user.j2")
    )


def _folder(kind: TemplateKind) -> Traversable:
    return resources.files("traintui.generation") / _FOLDERS[kind]


def builtin_template(
    name: str = "conversation", version: int = BUILTIN_VERSION, kind: TemplateKind = "conversation"
) -> TemplateText:
    """The template of that name and kind which comes with Traintui.

    Raises `TraintuiError` when there is none.
    """
    known = builtin_names(kind)
    if name not in known:
        raise TraintuiError(
            "No such template", f"There is no built-in template {name!r}{nearest(name, known)}", f"Take {known[0]!r}."
        )
    parts = {part: (_folder(kind) / f"{name}.{part}.j2").read_text(encoding="utf-8") for part in _PARTS}
    return TemplateText(name, version, **parts, kind=kind)


def render(template: TemplateText, context: Context) -> Prompt:
    """The prompt of one conversation, to write it, to judge it, or to write turns of it anew.

    Names and descriptions are put on one line, and nothing in them, in the source or in a turn can open or close one of
    our tags (`<source>`, `<brief>`, `<conversation>`, `<turn>`, `<reason>`, `<note>`), so that a text cannot speak
    outside of its place, whatever the template does with it.
    Raises `TraintuiError` with the part and line of the template for a syntax error or a name that nobody knows.
    """
    values = {field.name: _harmless(getattr(context, field.name)) for field in fields(context)}
    return Prompt(*(_rendered(template, part, values).strip() for part in _PARTS))


def check_template(template: TemplateText) -> None:
    """Nothing, if the template compiles and uses known names only; raises `TemplateMistake` as `render` does."""
    for part in _PARTS:
        _compiled(template, part)


def mistakes_of(template: TemplateText, context: Context) -> tuple[TemplateMistake, ...]:
    """All that is wrong with a template, by part and line: its syntax, every name and attribute that nobody knows, also
    where this context does not lead, and, where all of these are right, what goes wrong with this context."""
    found: list[TemplateMistake] = []
    for part in _PARTS:
        try:
            tree = _environment.parse(getattr(template, part))
        except TemplateSyntaxError as error:
            found.append(_bad_syntax(template, part, error))
        else:
            found += [TemplateMistake(template, part, line, wrong) for line, wrong in _strangers(tree, template.kind)]
    if not found:
        try:
            render(template, context)
        except TemplateMistake as mistake:
            found.append(mistake)
    return tuple(found)


def _harmless(value: object) -> object:
    match value:
        case Facet():
            return Facet(_one_line(value.value), _one_line(value.label), _one_line(value.description))
        case Source():
            document, heading = (_one_line(text).replace('"', "&quot;") for text in (value.document, value.heading))
            return Source(document, heading, _OUR_TAG.sub("&lt;", value.text).strip())
        case SpokenTurn():
            return SpokenTurn(value.number, value.role, _OUR_TAG.sub("&lt;", value.content).strip())
        case tuple():
            return tuple(_harmless(item) for item in value)
        case str():
            return _one_line(value)
        case _:
            return value


def _one_line(text: str) -> str:
    return _OUR_TAG.sub("&lt;", " ".join(text.split()))


@lru_cache(maxsize=32)
def _compiled(template: TemplateText, part: str) -> Template:
    text = getattr(template, part)
    try:
        for line, wrong in _strangers(_environment.parse(text), template.kind):
            raise TemplateMistake(template, part, line, wrong)
        return _environment.compiled(text)
    except TemplateSyntaxError as error:
        raise _bad_syntax(template, part, error) from error


def _strangers(tree: nodes.Template, kind: TemplateKind) -> list[tuple[int, str]]:
    """The names that nobody knows, and the attributes that a known name does not have, with their lines."""
    names, thing = NAMES_OF[kind], "rubric" if kind == "rubric" else "template"
    unknown = meta.find_undeclared_variables(tree) - set(names)
    found = {
        (node.lineno, f"{node.name!r} is not a name that a {thing} knows{nearest(node.name, names)}")
        for node in tree.find_all(nodes.Name)
        if node.name in unknown
    }
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}  # set, loops and macros
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name in ATTRIBUTES.keys() - own:
            known = ATTRIBUTES[node.node.name]
            if node.attr not in known:
                found.add((node.lineno, _no_attribute(node.attr, known)))
    return sorted(found)


def _no_attribute(attribute: str, known: Sequence[str]) -> str:
    return f"{attribute!r} is none of {', '.join(known)}{nearest(attribute, known)}"


def _bad_syntax(template: TemplateText, part: str, error: TemplateSyntaxError) -> TemplateMistake:
    return TemplateMistake(template, part, error.lineno, f"{(error.message or 'not valid Jinja2').rstrip('.')}.")


def _rendered(template: TemplateText, part: str, values: dict[str, object]) -> str:
    compiled = _compiled(template, part)
    try:
        with limited():
            return compiled.render(values)
    except UndefinedError as error:
        wrong = str(error.message).removeprefix("'traintui.generation.prompt.").rstrip(".")
        missing = re.fullmatch(r"(Facet|Source) object' has no attribute '(\w+)'", wrong)
        if missing:
            known = [field.name for field in fields(Facet if missing[1] == "Facet" else Source)]
            wrong = _no_attribute(missing[2], known)
        raise TemplateMistake(template, part, _line(error.__traceback__), wrong) from error
    except (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise TemplateMistake(template, part, _line(error.__traceback__), f"{str(error).rstrip('.')}.") from error


def _line(trace: TracebackType | None) -> int | None:
    """The template's line that an error came from: Jinja2 puts it into the traceback as a frame `<template>`."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


class TemplateMistake(TraintuiError):
    """What is wrong with a template, in one sentence; `part` is system or user, `line` counts from 1."""

    def __init__(self, template: TemplateText, part: str, line: int | None, wrong: str) -> None:
        self.part, self.line, self.wrong = part, line, wrong
        where = f"{_PARTS[part]}, line {line}" if line else _PARTS[part]
        super().__init__(
            "Template not usable",
            f"{template.name} version {template.version}, {where}: {wrong}",
            f"Mend it. It may use: {', '.join(NAMES_OF[template.kind])}.",
        )
