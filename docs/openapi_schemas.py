"""The compiled schemas as an OpenAPI document has them: each object is a component, and what may vary is told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fakeflowdock.contract.schema_walk import fields_of, target_of, variants_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeflowdock.contract.schema_walk import Variant

Schema = dict[str, Any]

CLASHES = {"Thread": "FlowThread"}  # with what Java has everywhere
GRADED = ("x-grade", "x-evidence")
TOLD = ("description", *GRADED)  # what is said of a field, and nothing of its values


def paths_and_tags(
    files: Mapping[str, Schema], operations_at: Callable[[str, str, Schema], Iterable[tuple[str, str, Schema]]]
) -> tuple[dict[str, Schema], list[Schema]]:
    """The paths of a document, and its tags: one for each page that has operations.

    Args:
        files: page name to the content of its schema file.
        operations_at: page, name and schema of an operation, to its path, method and description on each route.
    """
    paths: dict[str, Schema] = {}
    tags: list[Schema] = []
    for page, file in files.items():
        operations = [each for each in file["$defs"].items() if "x-operation" in each[1]]
        if operations:
            tags.append({"name": file["title"], "description": file["description"]})
        for name, schema in operations:
            for path, method, operation in operations_at(page, name, schema):
                paths.setdefault(path, {})[method] = operation
    return paths, tags


def in_braces(path: str) -> str:
    """A path as OpenAPI writes it: `/flows/:flow` is `/flows/{flow}`."""
    return re.sub(r":(\w+)", r"{\1}", path)


def told(schema: Schema) -> Schema:
    """What is said of a field: its meaning, and how sure it is."""
    return {name: text for name, text in schema.items() if name in TOLD}


def name_of(anchor: str) -> str:
    """What an object is called among the components: `thread-state` is `ThreadState`."""
    name = "".join(word[:1].upper() + word[1:] for word in re.split("[-_.]", anchor))
    return CLASHES.get(name, name)


class Replies:
    """The schemas of what is answered: closed, with each object as a component.

    Args:
        files: page name to the content of its schema file.

    Attributes:
        components: those that were asked for, with all that they lead to.
        errors: name to schema.
    """

    def __init__(self, files: Mapping[str, Schema]) -> None:
        self._files = files
        self.components: dict[str, Schema] = {}
        self.errors = {name: each for name, each in files["errors"]["$defs"].items() if "x-error" in each}

    def of(self, page: str, schema: Schema) -> Schema:
        """A schema of a page, with its references leading to components."""
        if "$ref" in schema:
            return {"$ref": self.component(*target_of(schema["$ref"], page)), **told(schema)}
        if "allOf" in schema:
            return {"oneOf": [self.of(page, variant) for _, variant in variants(schema)]}
        return converted(schema, lambda inner: self.of(page, inner))

    def any_of(self, errors: Iterable[str]) -> Schema:
        """The schema of one of some errors."""
        refs: list[Schema] = [{"$ref": self.component("errors", error)} for error in errors]
        return refs[0] if len(refs) == 1 else {"anyOf": refs}

    def by_status(self, may_come: Callable[[str, Schema], bool]) -> dict[int, list[str]]:
        """The names of some errors, by their status."""
        found: dict[int, list[str]] = {}
        for error, each in self.errors.items():
            if may_come(error, each["x-error"]):
                found.setdefault(each["x-error"]["status"], []).append(error)
        return found

    def said(self, error: str, when: str | None = None) -> str:
        """What an error is called, and when it is answered."""
        return f"{self.errors[error]['title']}: {when or self.errors[error]['description']}"

    def component(self, page: str, anchor: str) -> str:
        """The address of an object's component, which is made if it is not there yet."""
        name = name_of(anchor)
        address = f"#/components/schemas/{name}"
        if name not in self.components:
            schema = self._files[page]["$defs"][anchor]
            self.components[name] = {}  # an object may lead to itself
            grade = {f"x-{fact}": schema["x-error"][fact] for fact in ("grade", "evidence") if "x-error" in schema}
            self.components[name] = {"title": schema["title"], **self._whole(page, name, schema), **grade}
        return address

    def _whole(self, page: str, name: str, schema: Schema) -> Schema:
        if "allOf" not in schema:
            return self.of(page, schema)
        return {
            **told(schema),
            **told_apart(name, self.components, ((case, self.of(page, variant)) for case, variant in variants(schema))),
        }


def told_apart(name: str, components: dict[str, Schema], cases: Iterator[tuple[Variant, Schema]]) -> Schema:
    """One of several components, told apart by the value of a field.

    Args:
        name: what they have in common.
        components: where they go.
        cases: each, and its schema.
    """
    mapping: dict[str, str] = {}
    field = ""
    is_required = True
    for case, schema in cases:
        field = case.field
        is_required = is_required and not case.is_default
        key = name + name_of("-or-".join(case.values))  # no dot: some generators take it for a module
        components[key] = {"title": f"{name}, {field} {' or '.join(case.values)}", **schema}
        mapping |= dict.fromkeys(case.values, f"#/components/schemas/{key}")
    addresses: list[Schema] = [{"$ref": address} for address in dict.fromkeys(mapping.values())]
    if not is_required:  # a discriminator must be there
        return {"oneOf": addresses}
    return {"oneOf": addresses, "discriminator": {"propertyName": field, "mapping": mapping}}


def variants(schema: Schema) -> Iterator[tuple[Variant, Schema]]:
    """An object that depends on the value of a field, as one object for each: the variant, and the whole object."""
    for variant in variants_of(schema):
        properties, required = fields_of(schema, {variant.field: variant.values[0]})
        kind = {"type": "string", "enum": [*variant.values], **told({**properties[variant.field]})}
        whole: Schema = {
            "type": "object",
            "properties": {**properties, variant.field: kind},
            "required": [*dict.fromkeys((*required, *(() if variant.is_default else (variant.field,))))],
        }
        if schema.get("additionalProperties") is False:
            whole["additionalProperties"] = False
        yield variant, whole


def converted(schema: Schema, inner: Callable[[Schema], Schema]) -> Schema:
    """A schema without what only the pages need, and with each schema inside it as `inner` makes it."""
    result: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: inner(each) for name, each in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = inner(value)
        elif key == "anyOf":
            result[key] = [inner(each) for each in value]
        elif key not in ("$anchor", "title", "examples") and (key in GRADED or not key.startswith("x-")):
            result[key] = value
    if "type" not in result and (values := result.get("enum", [result.get("const")])) and isinstance(values[0], str):
        result = {"type": "string", **result}
    return result
