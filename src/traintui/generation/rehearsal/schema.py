"""A value that obeys a JSON schema, made up from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

DEEP = 6
"""Nesting from which on only the shortest way out is taken, so that a recursive schema ends."""
HOPELESS = 60
"""Nesting at which a schema is taken for one that has no finite value."""

WORDS = [
    "account",
    "answer",
    "balance",
    "branch",
    "careful",
    "change",
    "clear",
    "date",
    "document",
    "example",
    "figure",
    "first",
    "follow",
    "form",
    "helpful",
    "letter",
    "limit",
    "line",
    "matter",
    "member",
    "month",
    "note",
    "notice",
    "open",
    "page",
    "part",
    "payment",
    "plain",
    "point",
    "question",
    "reason",
    "record",
    "request",
    "rule",
    "simple",
    "step",
    "table",
    "text",
]
SENTENCES = (
    "The answer follows the source and stays close to its wording.",
    "The question is clear and the reply deals with it directly.",
    "A reader would find what they need in the first two sentences.",
    "The tone fits the person who asked.",
    "Every figure in it can be found in the document.",
)
FORMATS = {
    "date": "2026-11-02",
    "date-time": "2026-11-02T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "P3D",
    "email": "member@example.org",
    "hostname": "example.org",
    "uri": "https://example.org/help",
    "ipv4": "192.0.2.10",
    "ipv6": "2001:db8::10",
}


def is_exchanges(schema: Schema) -> bool:
    """Whether this is Traintui's own shape, `{"exchanges": [{"user": str, "assistant": str}]}`."""
    try:
        exchanges = resolve(schema, schema)["properties"]["exchanges"]
        item = resolve(resolve(exchanges, schema)["items"], schema)
        return {"user", "assistant"} <= set(item["properties"])
    except (KeyError, TypeError, AttributeError):
        return False


def is_turns(schema: Schema) -> bool:
    """Whether this is Traintui's own shape for turns anew, `{"turns": [{"role": str, "content": str}]}`."""
    try:
        turns = resolve(schema, schema)["properties"]["turns"]
        item = resolve(resolve(turns, schema)["items"], schema)
        return {"role", "content"} <= set(item["properties"])
    except (KeyError, TypeError, AttributeError):
        return False


def resolve(schema: Any, root: Schema) -> Any:
    """The schema that a chain of local `$ref`s ends at. Raises `KeyError` when there is no such place."""
    for _ in range(HOPELESS):
        if not (isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)):
            return schema
        found: Any = root
        for part in schema["$ref"].removeprefix("#").strip("/").split("/"):
            if part:
                found = found[part.replace("~1", "/").replace("~0", "~")]
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**found, **siblings} if isinstance(found, Mapping) else found
    raise KeyError("$ref runs in a circle")


def problem(schema: Any) -> str | None:
    """What the API would refuse about a schema, or None."""
    if not isinstance(schema, Mapping):
        return "output_config.format.schema: Input should be an object"
    try:
        synthesise(schema, random.Random(0))  # noqa: S311 - not for secrets
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return f"output_config.format.schema: Invalid schema: {error}"
    return None


def synthesise(schema: Schema, rng: random.Random) -> Any:
    """A value that obeys `schema`: $ref, enum, const, anyOf, oneOf, allOf, objects, arrays and limited scalars.

    Raises `KeyError`, `TypeError` or `ValueError` for a schema that cannot be followed.
    """
    return _value(schema, schema, rng, "", 0)


def _value(schema: Any, root: Schema, rng: random.Random, name: str, depth: int) -> Any:
    if schema is True or schema == {}:
        return _string({}, rng, name)
    if depth > HOPELESS:
        raise ValueError("the schema has no finite value")
    node = _merged(resolve(schema, root), root)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        if not node["enum"]:
            raise ValueError("enum offers nothing")
        return rng.choice(list(node["enum"]))
    for key in ("anyOf", "oneOf"):
        if key in node:
            rest = {k: v for k, v in node.items() if k != key}
            if not node[key]:
                raise ValueError(f"{key} offers nothing")
            branch = _branch(list(node[key]), root, rng, depth)
            return _value({**rest, **resolve(branch, root)}, root, rng, name, depth + 1)
    return _typed(_type(node, rng, depth), node, root, rng, name, depth)


def _merged(node: Any, root: Schema) -> dict[str, Any]:
    """`node` with its allOf parts laid over one another."""
    if not isinstance(node, Mapping):
        raise TypeError("a schema must be an object")
    merged = {key: value for key, value in node.items() if key != "allOf"}
    for part in node.get("allOf", ()):
        for key, value in _merged(resolve(part, root), root).items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged[key] = value
    return merged


def _branch(branches: list[Any], root: Schema, rng: random.Random, depth: int) -> Any:
    if depth < DEEP:
        return rng.choice(branches)
    return min(branches, key=lambda branch: _weight(resolve(branch, root)))


def _weight(node: Any) -> int:
    """How much nesting a schema is likely to bring: the way out of a recursion is the lightest."""
    if not isinstance(node, Mapping):
        return 0
    if node.get("type") == "object" or "properties" in node:
        return 2 + len(node.get("required", ()))
    if node.get("type") == "array":
        return 1 + 9 * int(node.get("minItems", 0))
    return 9 if {"anyOf", "oneOf", "allOf"} & set(node) else 0


def _type(node: Mapping[str, Any], rng: random.Random, depth: int) -> str:
    stated = node.get("type")
    if isinstance(stated, str):
        return stated
    if isinstance(stated, list) and stated:
        simple = [kind for kind in stated if kind not in {"object", "array"}]
        return str(rng.choice(simple if simple and depth >= DEEP else stated))
    for kind, signs in (
        ("object", ("properties", "required")),
        ("array", ("items", "minItems", "maxItems")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(sign in node for sign in signs):
            return kind
    return "string"


def _typed(kind: str, node: Mapping[str, Any], root: Schema, rng: random.Random, name: str, depth: int) -> Any:
    match kind:
        case "object":
            return _object(node, root, rng, depth)
        case "array":
            return _array(node, root, rng, name, depth)
        case "string":
            return _string(node, rng, name)
        case "integer":
            return _integer(node, rng)
        case "number":
            return _number(node, rng)
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
    raise ValueError(f"{kind!r} is not a type")


def _object(node: Mapping[str, Any], root: Schema, rng: random.Random, depth: int) -> dict[str, Any]:
    properties = node.get("properties", {})
    required = node.get("required", ())
    wanted = [key for key in properties if key in required or depth < DEEP]
    made = {key: _value(properties[key], root, rng, key, depth + 1) for key in wanted}
    for key in required:
        if key not in made:
            extra = node.get("additionalProperties", True)
            made[key] = _value(extra if isinstance(extra, Mapping) else {}, root, rng, key, depth + 1)
    return made


def _array(node: Mapping[str, Any], root: Schema, rng: random.Random, name: str, depth: int) -> list[Any]:
    least = int(node.get("minItems", 0))
    most = int(node.get("maxItems", max(least, 4)))
    if most < least:
        raise ValueError("maxItems is less than minItems")
    count = least if depth >= DEEP else rng.randint(max(least, min(2, most)), max(least, min(most, least + 4)))
    made: list[Any] = []
    fixed = node.get("prefixItems", [])
    for index in range(count):
        item = fixed[index] if index < len(fixed) else node.get("items", {})
        value = _value(item, root, rng, name, depth + 1)
        tries = 0
        while node.get("uniqueItems") and value in made and tries < 50:
            value = _value(item, root, rng, name, depth + 1)
            tries += 1
        if not (node.get("uniqueItems") and value in made and len(made) >= least):
            made.append(value)
    return made


def _string(node: Mapping[str, Any], rng: random.Random, name: str) -> str:
    if node.get("format") == "uuid":
        return f"{rng.getrandbits(32):08x}-0000-4000-8000-{rng.getrandbits(48):012x}"
    if node.get("format") in FORMATS:
        return FORMATS[node["format"]]
    least, most = int(node.get("minLength", 0)), node.get("maxLength")
    if most is not None and int(most) < least:
        raise ValueError("maxLength is less than minLength")
    if any(word in name for word in ("reason", "comment", "summary", "text", "explanation", "note", "rationale")):
        made = rng.choice(SENTENCES)
    else:
        made = " ".join(rng.sample(WORDS, 3))
    while len(made) < least:
        made += " " + rng.choice(WORDS)
    if most is None or len(made) <= int(most):
        return made
    cut = made[: int(most)]
    shorter = cut.rstrip()
    return shorter if len(shorter) >= least else cut


def _integer(node: Mapping[str, Any], rng: random.Random) -> int:
    step = _step(node)
    if step is not None and step != int(step):
        raise ValueError("an integer needs a whole multipleOf")
    low, high = _range(node, 1.0)
    unit = int(step or 1)
    first, last = math.ceil(low / unit), math.floor(high / unit)
    if first > last:
        raise ValueError("no integer lies between minimum and maximum")
    return rng.randint(first, min(last, first + 1000)) * unit


def _number(node: Mapping[str, Any], rng: random.Random) -> float:
    step = _step(node)
    if step is not None:
        low, high = _range(node, step)
        first, last = math.ceil(low / step), math.floor(high / step)
        if first > last:
            raise ValueError("no multiple lies between minimum and maximum")
        return rng.randint(first, min(last, first + 1000)) * step
    low, high = _range(node, 0.0)
    if low > high:
        raise ValueError("minimum is more than maximum")
    rounded = round(rng.uniform(low, high), 2)
    inside = low <= rounded <= high and rounded not in (node.get("exclusiveMinimum"), node.get("exclusiveMaximum"))
    return rounded if inside else (low + high) / 2


def _step(node: Mapping[str, Any]) -> float | None:
    step = node.get("multipleOf")
    if step is None:
        return None
    if step <= 0:
        raise ValueError("multipleOf must be more than 0")
    return float(step)


def _range(node: Mapping[str, Any], step: float) -> tuple[float, float]:
    """Lowest and highest value; an exclusive end is moved inwards by `step`, or by the middle when there is none."""
    low: float | None = node.get("minimum")
    high: float | None = node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if above is not None and (low is None or above >= low):
        low = math.floor(above) + step if step else above
    if below is not None and (high is None or below <= high):
        high = math.ceil(below) - step if step else below
    if low is None:
        low = high - 10 if high is not None else 0
    if high is None:
        high = low + 10
    return float(low), float(high)
