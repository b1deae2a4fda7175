"""What a JSON Schema says of metadata, in words: `meta.source: "webb" is not one of web, book`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traintui.data.pattern_cost import RunsAway, longest_text, patterns_of
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MOST_BYTES = 60_000
"""Of a schema as JSON; the database takes 64 kB with what stands around it."""
PROBLEMS_SAID = 3
"""Of one conversation."""
LONGEST_VALUE = 60
"""Characters of a value that are quoted."""
LONGEST_NAME = 200
"""Characters of a key's name that patterns for names are asked about."""
KINDS: Mapping[str, str] = {
    "string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip
LANGUAGES = frozenset(
    f"{scheme}://json-schema.org/{draft}/schema"
    for scheme in ("http", "https")
    for draft in ("draft-03", "draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
)
"""What `$schema` may name, without the number sign at its end."""
ENDLESS = "meta: the schema refers to itself without end"


@dataclass(frozen=True, slots=True)
class Rules:
    """What metadata has to fit: a version of the workspace's schema; without one everything does."""

    version: int = 0
    schema: Mapping[str, Any] | None = None
    _written: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        if self.schema is not None:
            object.__setattr__(self, "_written", json.dumps(self.schema, sort_keys=True))

    def __bool__(self) -> bool:
        return self.schema is not None

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """What of metadata does not fit, in words with its path, in the order of the paths; empty where all does."""
        if self.schema is None:
            return []
        if '"patternProperties"' in self._written and (name := _long_name(values)):
            return [f"meta: {_quoted(name)} is longer than {LONGEST_NAME} characters, which patterns of names take"]
        try:
            return sorted(set(_said(validator_of(self._written).iter_errors(dict(values)))))
        except RecursionError:
            return [ENDLESS]

    def problem(self, values: Mapping[str, Any]) -> str | None:
        """The same as one line, the first three of them; None where all fits."""
        found = self.problems(values)
        if not found:
            return None
        more = len(found) - PROBLEMS_SAID
        return "; ".join(found[:PROBLEMS_SAID]) + (f"; and {more:,} more" if more > 0 else "")

    def misfits(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, str]]:
        """Of conversations, by id with their metadata, those that do not fit, with why."""
        found: list[tuple[str, str]] = []
        before: Mapping[str, Any] | None = None
        why: str | None = None
        for name, values in rows:
            if values != before:  # many have the same, or none
                before, why = values, self.problem(values)
            if why is not None:
                found.append((name, why))
        return found


NO_RULES = Rules()


def read_schema(path: Path) -> dict[str, Any]:
    """The JSON Schema in a file. Raises `TraintuiError` when it cannot be read, and as `checked_schema` does."""
    try:
        with path.open("rb") as file:
            written = file.read(2 * MOST_BYTES + 1)
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return checked_schema(written.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _refused(f"{path} is no text in UTF-8.") from error


def checked_schema(written: str) -> dict[str, Any]:
    """A JSON Schema that can be registered. Raises `TraintuiError` with what is wrong and where."""
    try:
        schema = json.loads(written)
    except ValueError as error:
        raise _refused(f"it is no JSON: {error}.") from error
    except RecursionError:
        raise _refused("it is nested too deeply.") from None
    if not isinstance(schema, dict):
        raise _refused("it is no object.")
    if len(json.dumps(schema, ensure_ascii=False).encode()) > MOST_BYTES:
        raise _refused(f"it has more than {MOST_BYTES:,} bytes.")
    _check(schema)
    return schema


def _check(schema: dict[str, Any]) -> None:
    from jsonschema.exceptions import SchemaError
    from referencing import Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

    named = schema.get("$schema")
    if named is not None and str(named).rstrip("#") not in LANGUAGES:
        raise _refused(f'"$schema" names a language that is not known: {_quoted(named)}.')
    try:
        validator = validator_of(json.dumps(schema, sort_keys=True))
        validator.check_schema(schema)
        _check_patterns(schema)
        whole: Resource[Any] = Resource.from_contents(schema, default_specification=DRAFT202012)
        base = whole.id() or ""
        resolver = EMPTY_REGISTRY.with_resource(base, whole).resolver(base)
        for name in _references(schema):
            resolver.lookup(name)
        list(validator.iter_errors({}))
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path))
        raise _refused(f"{f'at {place}' if place else 'the schema'}: {error.message[:300]}.") from error
    except Unresolvable as error:
        raise _refused(f"it refers to {_quoted(error.ref)}, which is not in it.") from error
    except RecursionError:
        raise _refused("it refers to itself without end.") from None


def _check_patterns(schema: dict[str, Any]) -> None:
    for pattern, of_names in patterns_of(schema):
        try:
            longest = longest_text(pattern)
        except RunsAway:
            longest = 0
        except re.error:  # stands where it is no pattern, as in an example
            continue
        if longest < (LONGEST_NAME if of_names else 1):
            raise _refused(
                f"the pattern {_quoted(pattern)} could take longer than anyone waits: it repeats what can be divided in"
                " many ways, as (a+)+ does. Write one repetition, or a sign between two that is in neither: a+(-a+)*."
            )


def _long_name(part: Any) -> str | None:
    """The first name of a key that is too long for patterns of names."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if len(name) > LONGEST_NAME:
                return str(name)
            if found := _long_name(value):
                return found
    elif isinstance(part, list):
        return next(filter(None, map(_long_name, part)), None)
    return None


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in {"$ref", "$dynamicRef"} and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _refused(why: str) -> TraintuiError:
    return TraintuiError("Schema not usable", why, "Write a JSON Schema (json-schema.org) of an object; see the guide.")


@lru_cache(maxsize=4)
def validator_of(written: str) -> Validator:
    """What looks at metadata by a schema, given as JSON. Nothing is fetched: what it refers to stands in it."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend, validator_for
    from referencing.jsonschema import EMPTY_REGISTRY

    schema = json.loads(written)
    known = validator_for(schema, default=Draft202012Validator)
    language: type[Validator] = extend(known, {"pattern": _matches})  # type: ignore[no-untyped-call]
    return language(schema, registry=EMPTY_REGISTRY, format_checker=known.FORMAT_CHECKER)


def _asked(pattern: str) -> int:
    """The most characters of a text that a pattern is asked about; none where it may run away."""
    try:
        return longest_text(pattern)
    except RunsAway:
        return 0


def _matches(validator: Validator, pattern: str, text: Any, schema: Any) -> Iterator[ValidationError]:
    """As JSON Schema has it, but a text is not looked at that would keep everybody waiting."""
    from jsonschema.exceptions import ValidationError

    if isinstance(text, str) and (len(text) > _asked(pattern) or not re.search(pattern, text)):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


# Words ------------------------------------------------------------------------------------------------------------


def _said(errors: Iterable[ValidationError]) -> Iterator[str]:
    for error in errors:
        if error.validator in {"anyOf", "oneOf"} and error.context:
            yield f"{_path(error)}: {_value(error)} {_none_of(error)}"
            continue
        yield from WORDS.get(str(error.validator), _otherwise)(error)


def _wanted(error: ValidationError) -> Any:
    """What the rule that is broken asks for."""
    return error.validator_value


def _keys(error: ValidationError) -> list[str]:
    """The keys of the object that breaks it."""
    held: Any = error.instance
    return list(held)


def _path(error: ValidationError, *more: object) -> str:
    path = "meta"
    for step in (*error.absolute_path, *more):
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def _value(error: ValidationError) -> str:
    return _quoted(error.instance)


def _quoted(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= LONGEST_VALUE else written[: LONGEST_VALUE - 1] + "…"


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(value if isinstance(value, str) else _quoted(value) for value in values)


def _none_of(error: ValidationError) -> str:
    """Why none of several schemas holds: what the nearest of them says."""
    from jsonschema.exceptions import best_match

    nearest = best_match(error.context or ())
    said = next(_said([nearest]), None) if nearest is not None else None
    return f"fits none of what is allowed; nearest: {said}" if said else "fits none of what is allowed"


def _type(error: ValidationError) -> Iterator[str]:
    wanted = _wanted(error)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    yield f"{_path(error)}: {_value(error)} is not {' or '.join(KINDS.get(str(name), str(name)) for name in names)}"


def _required(error: ValidationError) -> Iterator[str]:
    for name in _wanted(error):
        if name not in _keys(error):
            yield f"{_path(error, name)} is missing"


def _depends(error: ValidationError) -> Iterator[str]:
    for name, others in _wanted(error).items():
        if name in _keys(error) and isinstance(others, list):
            for other in others:
                if other not in _keys(error):
                    yield f"{_path(error, other)} is missing, which goes with {_path(error, name)}"


def _additional(error: ValidationError) -> Iterator[str]:
    around: Any = error.schema
    known, patterns = around.get("properties", {}), around.get("patternProperties", {})
    for name in _keys(error):
        if name not in known and not any(re.search(pattern, name) for pattern in patterns):
            said = f"; known are {_listed(list(known)[:12])}" if known else ""
            yield f"{_path(error, name)} is not a key of the schema{said}"


def _otherwise(error: ValidationError) -> Iterator[str]:
    yield f"{_path(error)}: {error.message[:200]}"


def _fixed(words: str) -> Callable[[ValidationError], Iterator[str]]:
    """Words with the value (`{value}`) and what the schema wants (`{wanted}`)."""

    def said(error: ValidationError) -> Iterator[str]:
        wanted = _wanted(error)
        shown = wanted if isinstance(wanted, str) else _quoted(wanted)
        yield f"{_path(error)}: {words.format(value=_value(error), wanted=shown)}"

    return said


def _one_of(error: ValidationError) -> Iterator[str]:
    yield f"{_path(error)}: {_value(error)} is not one of {_listed(_wanted(error))}"


def _pattern(error: ValidationError) -> Iterator[str]:
    text: Any = error.instance
    pattern, longest = _wanted(error), _asked(_wanted(error))
    why = "does not match"
    if len(text) > longest:
        why = (
            f"is longer than the {longest:,} characters that are matched with" if longest else "would wait for ever for"
        )
    yield f"{_path(error)}: {_value(error)} {why} {pattern}"


WORDS: Mapping[str, Callable[[ValidationError], Iterator[str]]] = {
    "type": _type,
    "enum": _one_of,
    "required": _required,
    "dependentRequired": _depends,
    "additionalProperties": _additional,
    "const": _fixed("{value} is not {wanted}"),
    "minimum": _fixed("{value} is less than {wanted}"),
    "maximum": _fixed("{value} is more than {wanted}"),
    "exclusiveMinimum": _fixed("{value} is not more than {wanted}"),
    "exclusiveMaximum": _fixed("{value} is not less than {wanted}"),
    "multipleOf": _fixed("{value} is not a multiple of {wanted}"),
    "minLength": _fixed("{value} is shorter than {wanted} characters"),
    "maxLength": _fixed("{value} is longer than {wanted} characters"),
    "pattern": _pattern,
    "format": _fixed("{value} is not of the form {wanted}"),
    "minItems": _fixed("{value} has fewer than {wanted} entries"),
    "maxItems": _fixed("{value} has more than {wanted} entries"),
    "uniqueItems": _fixed("{value} has an entry twice"),
    "minProperties": _fixed("there are fewer than {wanted} keys"),
    "maxProperties": _fixed("there are more than {wanted} keys"),
    "not": _fixed("{value} is what the schema forbids"),
}
"""What each rule of a schema says of a value that breaks it."""
