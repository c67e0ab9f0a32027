"""The compiled schemas as an OpenAPI document has them: by themselves, and once for each way to send a request.

A reply is what its schema says. A request is described as it is read, which is more than its page names:

* in JSON a null counts as absent, and a number or a truth may come as text;
* in a form everything is text, and brackets put a field inside another, so a form has names of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kinds import TYPES

from fakeflowdock.contract.schema_walk import fields_of, target_of, variants_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeflowdock.contract.schema_walk import Variant

Schema = dict[str, Any]

FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
BASE64 = (
    r"^[ \n]*(([A-Za-z0-9+/][ \n]*){4})*"
    r"(([A-Za-z0-9+/][ \n]*){2}=[ \n]*=[ \n]*|([A-Za-z0-9+/][ \n]*){3}=[ \n]*)?$"
)
MOMENT = TYPES["moment"]["title"]
DIGITS = 18  # of a number that comes as text
CREDENTIALS = ("access_token", "flow_token")  # which any request may have in its body
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
    return "".join(word[:1].upper() + word[1:] for word in re.split("[-_.]", anchor))


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


class Requests:
    """The schemas of what is sent.

    Args:
        closed: whether an object has no field that its page does not name. The real service let them all pass.

    Attributes:
        components: the objects that are inside others, as they are sent.
    """

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed
        self.components: dict[str, Schema] = {}

    def json(self, schema: Schema) -> Schema:
        """A request as JSON."""
        result = self._object(schema)
        for name, each in result["properties"].items():
            required = name in result.get("required", ())
            result["properties"][name] = _loose(each) if required else nullable(_loose(each))
        if self._closed:
            result["properties"] |= {name: {} for name in CREDENTIALS if name not in result["properties"]}
        return result

    def _inside(self, schema: Schema) -> Schema:
        """A value inside a request."""
        if "x-object" not in schema:
            return self._object(schema)
        name = f"Sent{name_of(schema['x-object'])}"
        if name not in self.components:
            plain = {key: value for key, value in schema.items() if key not in ("x-object", *TOLD)}
            self.components[name] = {"title": name, **self._whole(name, plain)}
        return {"$ref": f"#/components/schemas/{name}", **told(schema)}

    def _whole(self, name: str, schema: Schema) -> Schema:
        if "allOf" not in schema:
            return self._nulls(self._object(schema))
        cases = ((case, self._nulls(self._object(variant))) for case, variant in variants(schema))
        return told_apart(name, self.components, cases)

    def _object(self, schema: Schema) -> Schema:
        result = converted(_refined(schema), self._inside)
        for key in ("items", "additionalProperties"):
            if isinstance(result.get(key), dict):
                result[key] = nullable(result[key])
        if "properties" in result and self._closed:
            result["additionalProperties"] = False
        return result

    def _nulls(self, schema: Schema) -> Schema:
        for name, each in schema.get("properties", {}).items():
            if name not in schema.get("required", ()):
                schema["properties"][name] = nullable(each)
        return schema

    def form(self, schema: Schema, *, multipart: bool) -> Schema:
        """The names and texts of a form that are read as such an object."""
        form = _Form(multipart=multipart)
        for name, each in schema["properties"].items():
            form.add(name, each, required=name in schema.get("required", ()))
        result: Schema = {"type": "object", "properties": form.properties}
        if form.required:
            result["required"] = form.required
        if form.dependent:
            result["dependentRequired"] = form.dependent
        if form.apart:
            result["allOf"] = [{"not": {"required": names}} for names in form.apart]
        if self._closed and form.patterns:
            result["patternProperties"] = {pattern: {} for pattern in form.patterns}
        if self._closed:
            result["properties"] |= {name: {} for name in CREDENTIALS if name not in form.properties}
            result["additionalProperties"] = False
        return result


class _Form:
    """The fields of a form, gathered from those of an object.

    Attributes:
        properties, required: names and schemas; which of them must be there.
        dependent: which must be there where another is, because both are in one object.
        apart: names of which only one may be there.
        patterns: names that there may be besides, which no list of names can tell.
    """

    def __init__(self, *, multipart: bool) -> None:
        self._multipart = multipart
        self.properties: Schema = {}
        self.required: list[str] = []
        self.dependent: dict[str, list[str]] = {}
        self.apart: list[list[str]] = []
        self.patterns: list[str] = []

    def add(self, name: str, schema: Schema, *, required: bool) -> None:
        """Add a field of the object, with all that is inside it."""
        leaves, needed = self._leaves(name, schema)
        self.properties |= leaves
        if required:
            self.required += needed
            return
        if schema.get("type") in ("object", ["array", "object"]):
            self._tie(leaves, needed)

    def _tie(self, leaves: Iterable[str], needed: Iterable[str]) -> None:
        """Where one of these is there, all that their object needs must be there."""
        for leaf in leaves:
            known = self.dependent.get(leaf, [])
            if others := [name for name in needed if name != leaf and name not in known]:
                self.dependent[leaf] = [*known, *others]

    def _leaves(self, name: str, schema: Schema) -> tuple[Schema, list[str]]:
        """What is inside a field, by its name in a form; and what of that must be there where anything of it is."""
        kind, words = schema.get("type"), told(schema)
        items = schema.get("items", {})
        if self._multipart and is_upload(schema):
            return {name: {**FILE, **words}}, [name]
        if self._multipart and is_upload(items):
            self.patterns.append(rf"^{re.escape(name)}\[[^\[\]]+\]$")
            return {f"{name}[]": _several(FILE, words)}, [f"{name}[]"]
        if kind == ["array", "object"]:
            self.patterns.append(rf"^{re.escape(name)}\[[^\[\]]+\]\[[a-z_]+\]$")
        if kind == ["array", "string"]:
            self.apart.append([name, f"{name}[]"])
            return {name: {"type": "string", **words}, f"{name}[]": _several(converted(items, dict), words)}, [name]
        if "properties" in items:
            if "allOf" in items:  # which of its fields there are depends on one of them: a list of names cannot say it
                self.patterns.append(rf"^{re.escape(name)}\[\](\[[^\[\]]+\])+$")
                return {}, []
            return self._inside(f"{name}[]", items)
        if "properties" in schema:
            return self._inside(name, schema)
        if kind == "array":
            return {f"{name}[]": _several(converted(items, dict), words)}, [f"{name}[]"]
        return {name: lenient(_without_null(converted(_refined(schema), dict)), bounded=True)}, [name]

    def _inside(self, name: str, schema: Schema) -> tuple[Schema, list[str]]:
        leaves: Schema = {}
        needed: list[str] = []
        for inner, each in schema["properties"].items():
            more, deeper = self._leaves(f"{name}[{inner}]", each)
            leaves |= more
            if inner in schema.get("required", ()):
                needed += deeper
            elif "properties" in each:
                self._tie(more, deeper)
        if name.endswith("[]"):
            self._tie(leaves, needed)
            return leaves, []
        return leaves, needed


def _without_null(schema: Schema) -> Schema:
    """A value as a text says it, which has no null."""
    if "null" not in schema.get("type", ()):
        return schema
    [kind] = [kind for kind in schema["type"] if kind != "null"]
    values = {"enum": [value for value in schema["enum"] if value is not None]} if "enum" in schema else {}
    return {**schema, "type": kind, **values}


def _several(item: Schema, words: Schema) -> Schema:
    """A name that may come several times. Once is a list of one."""
    return {"anyOf": [{"type": "array", "items": item}, item], **words}


def is_upload(schema: Schema) -> bool:
    """Whether a field is a file, which comes as a part of its own in `multipart/form-data`."""
    return "contentEncoding" in schema.get("properties", {}).get("data", {})


def _refined(schema: Schema) -> Schema:
    """What no pattern of the pages says and the code refuses: a text that is no base64, or no day of the calendar."""
    if schema.get("contentEncoding") == "base64":
        return {**schema, "pattern": BASE64}
    if schema.get("title") == MOMENT:
        days = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
        return {**days, **told(schema)}
    return schema


def lenient(schema: Schema, *, bounded: bool) -> Schema:
    """A number or a truth as it may come: as text, too.

    Args:
        schema: of any type; all others stay as they are.
        bounded: whether all is text, where a number has no more than so many digits.
    """
    words = told(schema)
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("type") == "integer":
        bounds = {"minimum": low, "maximum": high}
        if bounded:
            bounds = {"minimum": -(10**DIGITS - 1) if low is None else low, "maximum": high or 10**DIGITS - 1}
        number = {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        return {"anyOf": [number, *_as_text(low, high)], **words}
    if schema.get("type") == "boolean":
        truth = {"type": "string", "pattern": "^([01]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"}
        return {"anyOf": [{"type": "boolean"}, {"type": "integer", "enum": [0, 1]}, truth], **words}
    return schema


def _as_text(low: int | None, high: int | None) -> list[Schema]:
    """The texts of the integers within bounds, as many as pages have."""
    patterns = {
        (None, None): "^-?[0-9]{1,18}$",
        (0, None): "^([0-9]{1,18}|-0{1,18})$",
        (1, None): "^(?=0*[1-9])[0-9]{1,18}$",
        (1, 100): "^(0{0,17}[1-9]|0{0,16}[1-9][0-9]|0{0,15}100)$",
    }
    return [{"type": "string", "pattern": patterns[low, high]}]


def _loose(schema: Schema) -> Schema:
    return lenient(schema, bounded=False)


def nullable(schema: Schema) -> Schema:
    """The same, or null, which counts as absent."""
    if not schema:
        return schema
    if "type" not in schema:
        words = told(schema)
        options = schema.get("anyOf") or [{name: each for name, each in schema.items() if name not in words}]
        return {"anyOf": [*options, {"type": "null"}], **words}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    result = {**schema, "type": [*kinds, *(["null"] if "null" not in kinds else [])]}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "enum" in result and None not in result["enum"]:
        result["enum"] = [*result["enum"], None]
    return result


def as_form(value: Any, name: str = "") -> dict[str, Any]:
    """A value of JSON as the names and texts of a form."""
    if isinstance(value, dict):
        parts = [as_form(inner, f"{name}[{key}]" if name else key) for key, inner in value.items()]
        return {key: text for part in parts for key, text in part.items()}
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return {f"{name}[]": value}
        return as_form(value[0], f"{name}[]")
    return {name: str(value).lower() if isinstance(value, bool) else str(value)}
