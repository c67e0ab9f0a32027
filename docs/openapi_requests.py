"""The schemas of what is sent, as OpenAPI has them: JSON here, forms in `openapi_forms.py`.

A request is described as it is read, which is more than its page names: in JSON a null counts as absent, and a number
or a truth may come as text.
"""

from __future__ import annotations

from typing import Any

from openapi_forms import Form
from openapi_schemas import TOLD, converted, name_of, told, told_apart, variants
from openapi_values import lenient, refined

Schema = dict[str, Any]

CREDENTIALS = ("access_token", "flow_token")  # which any request may have in its body


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
            loose = lenient(each, bounded=False, required=required)
            result["properties"][name] = loose if required else nullable(loose)
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
        result = converted(refined(schema), self._inside)
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
        form = Form(multipart=multipart)
        for name, each in schema["properties"].items():
            form.add(name, each, required=name in schema.get("required", ()))
        result: Schema = {"type": "object", "properties": form.properties}
        if form.required:
            result["required"] = form.required
        if form.dependent:
            result["dependentRequired"] = form.dependent
        if form.texts:
            result["dependentSchemas"] = {
                name: {"properties": {name: {"type": "string"}}, "not": {"required": [f"{name}[]"]}}
                for name in form.texts
            }
        if self._closed and (patterns := [*form.patterns, *(f"^{name}$" for name in form.texts)]):
            result["patternProperties"] = {pattern: {} for pattern in patterns}
        if self._closed:
            result["properties"] |= {name: {} for name in CREDENTIALS if name not in form.properties}
            result["additionalProperties"] = False
        return result


def nullable(schema: Schema) -> Schema:
    """The same, or null, which counts as absent."""
    words = told(schema)
    if schema == words:  # anything, and so null
        return schema
    if "type" not in schema:
        options = schema.get("anyOf") or [{name: each for name, each in schema.items() if name not in words}]
        return {"anyOf": [*options, {"type": "null"}], **words}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    result = {**schema, "type": [*kinds, *(["null"] if "null" not in kinds else [])]}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "enum" in result and None not in result["enum"]:
        result["enum"] = [*result["enum"], None]
    return result
