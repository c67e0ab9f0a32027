"""Walk the compiled schemas: follow references, choose the fields of an object, step inside a value.

The dialect is what `docs/compile.py` writes: `$ref` to a section of a page, `anyOf` an object or null, `items`,
`properties`, `additionalProperties`, and in `allOf` the fields that depend on the value of another field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Schema = Mapping[str, Any]

ANNOTATIONS = {"$anchor", "title", "description", "examples"}
INNER = {"items", "additionalProperties", "not", "if", "then"}  # keywords with one schema


@dataclass(frozen=True)
class Variant:
    """The fields that an object also has if one of them, such as `event`, has one of some values.

    Attributes:
        is_default: whether it also has them if that field is missing.
    """

    field: str
    values: tuple[str, ...]
    properties: Mapping[str, Schema]
    required: tuple[str, ...]
    is_default: bool = False

    def fits(self, value: Mapping[str, Any]) -> bool:
        """Return whether an object has these fields."""
        return value.get(self.field) in self.values or (self.is_default and self.field not in value)

    @property
    def condition(self) -> str:
        """Return when an object has these fields, in words."""
        return f"{self.field} is {' or '.join((*self.values, *(['missing'] if self.is_default else [])))}"


def variants_of(schema: Schema) -> Iterator[Variant]:
    """Yield each variant of an object. No two variants share a value."""
    for case in schema.get("allOf", ()):
        [(field, values)] = case["if"]["properties"].items()
        then = case["then"]
        required = tuple(then.get("required", ()))
        yield Variant(field, tuple(values["enum"]), then["properties"], required, "required" not in case["if"])


def fields_of(schema: Schema, value: Any) -> tuple[Mapping[str, Schema], Sequence[str]]:
    """Return the fields that an object with these values has, name to schema, and the names of the required ones.

    If no variant matches, these are the names of all variants, with empty schemas.
    """
    properties, required = schema.get("properties", {}), schema.get("required", ())
    if "allOf" in schema and isinstance(value, dict):
        for variant in variants_of(schema):
            if variant.fits(value):
                always = {name: each for name, each in properties.items() if each}
                return {**always, **variant.properties}, (*required, *variant.required)
    return properties, required


def target_of(reference: str, page: str) -> tuple[str, str]:
    """Return the page and the anchor of a `$ref` on a page."""
    name, _, anchor = reference.partition("#")
    return name.removesuffix(".json") or page, anchor


def standalone(files: Mapping[str, Schema], page: str, anchor: str) -> dict[str, Any]:
    """Return a schema with all schemas to which it refers, without what says nothing about values."""
    needed: dict[str, Schema] = {}
    waiting = [(page, anchor)]
    while waiting:
        here, name = waiting.pop()
        if (key := f"{here}.{name}") not in needed:
            needed[key] = _bare(files[here]["$defs"][name], here, waiting)
    return {"$ref": f"#/$defs/{page}.{anchor}", "$defs": needed}


def _bare(schema: Schema, page: str, found: list[tuple[str, str]]) -> Schema:
    """Return a schema without titles, examples and so on. The targets of its references are added to `found`."""
    bare: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "$ref":
            found.append(target_of(value, page))
            bare[keyword] = f"#/$defs/{'.'.join(found[-1])}"
        elif keyword == "properties":
            bare[keyword] = {name: _bare(each, page, found) for name, each in value.items()}
        elif keyword in ("allOf", "anyOf"):
            bare[keyword] = [_bare(each, page, found) for each in value]
        elif keyword in INNER and isinstance(value, dict):
            bare[keyword] = _bare(value, page, found)
        elif keyword not in ANNOTATIONS and not keyword.startswith("x-"):
            bare[keyword] = value
    return bare


def as_recorded(value: Any) -> Any:
    """Return schemas in which each object may have what recordings of it have: its `x-recorded` counts."""
    if isinstance(value, list):
        return [as_recorded(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: as_recorded(item) for name, item in value.items()}
    if (recorded := value.get("x-recorded")) is None:
        return value
    if "allOf" not in value:
        return _with(value, recorded)
    cases = [{**case, "then": _with(case["then"], recorded)} for case in value["allOf"]]
    inner = [case["then"]["properties"] for case in cases]
    # What each case says alike holds for a value that has no case, such as an event that only recordings have.
    alike = {name: each for name, each in inner[0].items() if all(other.get(name) == each for other in inner)}
    return {**_with({**value, "properties": {**value["properties"], **alike}}, recorded), "allOf": cases}


def _with(schema: Schema, recorded: Schema) -> Schema:
    """Return an object's schema with the recorded fields."""
    known, required = recorded["properties"], recorded.get("required", ())
    always = [name for name in schema.get("required", ()) if name not in known or name in required]
    return {**schema, "properties": {**schema["properties"], **known}, "required": always}


@dataclass(frozen=True, slots=True)
class SchemaPlace:
    """A schema, and the page to which its references are relative.

    Attributes:
        files: page name (`sources`) to the content of its schema file.
    """

    files: Mapping[str, Schema]
    page: str
    schema: Schema

    def to(self, schema: Schema) -> SchemaPlace:
        """Return the place of a schema inside this one. References are followed; of an object or null, the object."""
        page = self.page
        while reference := next((each for each in (schema, *schema.get("anyOf", ())) if "$ref" in each), None):
            page, anchor = target_of(reference["$ref"], page)
            schema = self.files[page]["$defs"][anchor]
        return SchemaPlace(self.files, page, schema)

    def inside(self, value: Any) -> Callable[[str], Schema | None]:
        """Return a function from a name or a position inside a value to its schema, or None if there is none."""
        if isinstance(value, list):
            return lambda _: self.schema.get("items")
        properties, _ = fields_of(self.schema, value)
        others = self.schema.get("additionalProperties")
        return lambda name: properties.get(name, others if isinstance(others, dict) else None)
