"""A made-up value obeys the schema it was made for."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.rehearsal.rehearsal_helpers import SCHEMA
from traintui.generation.rehearsal.schema import is_exchanges, problem, synthesise

NAMES = st.sampled_from(["score", "reason", "items", "kind", "note", "left", "right"])


@st.composite
def _strings(draw: st.DrawFn) -> dict[str, Any]:
    least = draw(st.integers(0, 30))
    return {"type": "string", "minLength": least, "maxLength": least + draw(st.integers(0, 40))}


@st.composite
def _integers(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(-1000, 1000))
    return {"type": "integer", "minimum": low, "maximum": low + draw(st.integers(0, 50))}


@st.composite
def _numbers(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.floats(-100, 100, allow_nan=False))
    return {"type": "number", "minimum": low, "exclusiveMaximum": low + draw(st.floats(0.5, 50))}


LEAVES = st.one_of(
    _strings(),
    _integers(),
    _numbers(),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(lambda values: {"enum": values}, st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, st.integers() | st.text(max_size=5) | st.none()),
    st.just({"type": ["string", "null"]}),
)


def _arrays(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        inner,
        st.integers(0, 3),
        st.integers(0, 3),
    )


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, inner, max_size=4).map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": sorted(properties),
            "additionalProperties": False,
        }
    )


def _unions(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})


SCHEMAS = st.recursive(LEAVES, lambda inner: st.one_of(_arrays(inner), _objects(inner), _unions(inner)), max_leaves=12)


def seeded(seed: int) -> random.Random:
    """Chance that repeats."""
    return random.Random(seed)


def obeys(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether a value obeys the part of JSON schema that these tests draw."""
    if "$ref" in schema:
        return obeys(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(obeys(value, branch, root) for branch in schema["anyOf"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(_is(value, kind, schema, root) for kind in kinds)


def _is(value: Any, kind: str, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get(
                "maxLength", 10_000
            )
        case "integer":
            return type(value) is int and schema["minimum"] <= value <= schema["maximum"]
        case "number":
            return isinstance(value, float) and schema["minimum"] <= value < schema["exclusiveMaximum"]
        case "array":
            inside = isinstance(value, list) and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 99)
            return inside and all(obeys(item, schema["items"], root) for item in value)
    properties = schema["properties"]
    return (
        isinstance(value, dict)
        and set(schema["required"]) <= set(value) <= set(properties)
        and all(obeys(item, properties[key], root) for key, item in value.items())
    )


@given(schema=SCHEMAS, seed=st.integers(0, 1000))
@settings(max_examples=300, deadline=None)
def test_a_value_obeys_its_schema(schema: dict[str, Any], seed: int) -> None:
    value = synthesise(schema, seeded(seed))
    assert obeys(value, schema, schema)
    assert value == synthesise(schema, seeded(seed))


@given(seed=st.integers(0, 1000))
def test_a_schema_that_contains_itself_comes_to_an_end(seed: int) -> None:
    schema: dict[str, Any] = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "score": {"type": "integer", "minimum": 1, "maximum": 5},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
                },
                "required": ["score", "next", "parts"],
                "additionalProperties": False,
            }
        },
    }
    assert obeys(synthesise(schema, seeded(seed)), schema, schema)


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        ({"type": "integer", "multipleOf": 5, "minimum": 3, "maximum": 12}, {5, 10}),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}, {4}),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True, "minItems": 2}, None),
        ({"allOf": [{"type": "object", "properties": {"a": {"const": 1}}}, {"required": ["a"]}]}, None),
        ({"type": "string", "format": "date"}, {"2026-11-02"}),
    ],
)
def test_limits_and_combinations_hold(schema: dict[str, Any], allowed: set[Any] | None) -> None:
    for seed in range(20):
        value = synthesise(schema, seeded(seed))
        if allowed is not None:
            assert value in allowed
        elif "allOf" in schema:
            assert value == {"a": 1}
        else:
            assert sorted(value) == ["a", "b"]


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"type": "tuple"},
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "string", "minLength": 5, "maxLength": 1},
        {"anyOf": []},
    ],
)
def test_a_schema_that_can_not_be_followed_is_named_as_such(schema: Any) -> None:
    assert problem(schema) is not None


def test_our_own_shape_is_known_with_and_without_references() -> None:
    turn = SCHEMA["properties"]["exchanges"]["items"]
    referred = {
        "$defs": {"Exchange": turn},
        "type": "object",
        "properties": {"exchanges": {"type": "array", "items": {"$ref": "#/$defs/Exchange"}}},
    }
    assert is_exchanges(SCHEMA) and is_exchanges(referred)
    assert not is_exchanges({"type": "object", "properties": {"score": {"type": "integer"}}})
