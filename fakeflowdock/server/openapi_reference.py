"""The OpenAPI documents as HTML: each operation with its parameters, request body and responses, and the objects."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from ..contract.documentation import address_of, anchor_of
from ..contract.package_files import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Schema = Mapping[str, Any]

TYPES = ("array", "boolean", "null", "number", "object", "string")
FORMATS = {"date-time": "date-time", "uri": "URI", "email": "e-mail address"}
OR = " or "
REQUIRED, ALWAYS = "required", "always"  # in a request, in a response
LEFT_OUT = ("Written in ", "Grade: ")  # paragraphs of a description: the documentation has them

_OPERATION = Markup(
    '<h3 id="{name}">{title}</h3>\n<p class="route"><code>{method} {path}</code></p>\n{about}'
    '<p>Operation <code>{name}</code>. <a href="{url}">Documentation</a></p>\n'
)
_PART = Markup('<h4 id="{anchor}">{title}</h4>\n{content}')
_FIELDS = Markup('<dl class="fields">\n{}</dl>\n')
_FIELD = Markup("<dt><code>{name}</code> <span>{kind}</span>{mark}</dt>\n<dd>{about}</dd>\n")
_OBJECT = Markup('<h3 id="{name}">{name}</h3>\n{about}{content}')
_EXAMPLE = Markup('<details><summary>Example</summary>\n<pre tabindex="0"><code>{}</code></pre>\n</details>\n')
_GROUP = Markup('<h2 id="{anchor}">{title}</h2>\n')
_LINK = Markup('<a href="#{0}">{0}</a>')
_CODE = Markup("<code>{}</code>")
_PLAIN = Markup("{}")
_LINE = Markup("<p>{}</p>\n")
_STRONG = Markup(" <strong>{}</strong>")


class DocumentedOperation(NamedTuple):
    """An operation of a document."""

    method: str
    path: str
    content: Mapping[str, Any]


def operations(name: str) -> Iterator[DocumentedOperation]:
    """Yield the operations of a document."""
    for path, methods in document(name)["paths"].items():
        for method, operation in methods.items():
            if "operationId" in operation:
                yield DocumentedOperation(method.upper(), path, operation)


class Reference:
    """A document as HTML.

    Args:
        name: of the document, `openapi` or `admin/openapi`.
        root: the path of the documentation.

    Attributes:
        sections: titles and anchors, of operations and of objects.
    """

    def __init__(self, name: str, root: str) -> None:
        self._name, self._root = name, root
        self._document = document(name)
        self._titles = Counter(each.content["summary"] for each in operations(name))
        self._linked: dict[str, None] = {}  # objects, in the order of the first link
        self.sections: list[tuple[str, str]] = []

    def html(self) -> Markup:
        """Return all operations by tag, and then the objects to which they lead."""
        pieces: list[Markup] = []
        tag = None
        every = [*operations(self._name)]
        tags = [*dict.fromkeys(each.content["tags"][0] for each in every)]  # operations of one path have several
        for each in sorted(every, key=lambda each: tags.index(each.content["tags"][0])):
            if each.content["tags"][0] != tag:
                tag = each.content["tags"][0]
                pieces.append(_GROUP.format(anchor=f"tag-{anchor_of(tag)}", title=tag))
            pieces.append(self._operation(each))
        pieces.append(_GROUP.format(anchor="objects", title="Objects"))
        self.sections.append(("Objects", "objects"))
        shown: set[str] = set()
        while waiting := [name for name in self._linked if name not in shown]:  # an object leads to others
            shown.update(waiting)
            pieces += map(self._object, waiting)
        return _joined(pieces)

    # Operations

    def _operation(self, asked: DocumentedOperation) -> Markup:
        content, name = asked.content, asked.content["operationId"]
        self.sections.append((content["summary"] if self._titles[content["summary"]] == 1 else name, name))
        paragraphs = content["description"].split("\n\n")
        html = _OPERATION.format(
            name=name,
            title=content["summary"],
            method=asked.method,
            path=asked.path,
            about=_joined(_LINE.format(_text(each)) for each in paragraphs if not each.startswith(LEFT_OUT)),
            url=address_of(content["x-page"], self._root),
        )
        if parameters := [self._resolved(each) for each in content.get("parameters", ())]:
            fields = _FIELDS.format(_joined(map(self._parameter, parameters)))
            html += _PART.format(anchor=f"{name}-parameters", title="Parameters", content=fields)
        if "requestBody" in content:
            body = self._body(self._resolved(content["requestBody"]), REQUIRED)
            html += _PART.format(anchor=f"{name}-request", title="Request body", content=body)
        errors: list[Markup] = []
        for status, reply in content["responses"].items():
            response = {**self._resolved(reply), **{key: each for key, each in reply.items() if key != "$ref"}}
            if status < "4":
                body = self._body(response, ALWAYS)
                html += _PART.format(anchor=f"{name}-{status}", title=f"Response {status}", content=body)
            else:
                errors.append(_field(status, self._type(_schema_of(response)), response))
        return html + _PART.format(anchor=f"{name}-errors", title="Errors", content=_FIELDS.format(_joined(errors)))

    def _parameter(self, parameter: Schema) -> Markup:
        schema = parameter.get("schema") or _schema_of(parameter)
        kind = Markup("{}, in the {}").format(self._type(schema), parameter["in"])
        return _field(parameter["name"], kind, parameter, REQUIRED if parameter.get("required") else "")

    def _body(self, body: Schema, mark: str) -> Markup:
        """Return the fields of a body, and an example."""
        if not body.get("content"):
            return _LINE.format(_text(body.get("description", "Nothing.")))
        shown = next(iter(body["content"].values()))
        schema = shown.get("schema", {})
        inside = self._inside(schema, mark)
        is_whole = inside and self._resolved(schema).get("type") == "object"  # so nobody looks for it elsewhere
        said = Markup("object") if is_whole else self._type(schema)
        html = _LINE.format(said + Markup(" as ") + _joined(map(_CODE.format, body["content"]), OR)) + inside
        for example in shown.get("examples", {}).values():
            value = json.dumps(self._resolved(example)["value"], indent=2, ensure_ascii=False)
            return html + _EXAMPLE.format(value)
        return html

    # Objects

    def _object(self, name: str) -> Markup:
        schema = self._document["components"]["schemas"][name]
        self.sections.append((name, name))
        about = _LINE.format(_text(schema["description"])) if "description" in schema else Markup("")
        mark = REQUIRED if name.startswith("Sent") or "Request" in name else ALWAYS
        content = self._inside(schema, mark) or _LINE.format(self._type(schema))
        return _OBJECT.format(name=name, about=about, content=content)

    def _inside(self, schema: Schema, mark: str) -> Markup:
        """Return the fields of an object, or of each object of a list; or the objects of which it is one."""
        found = self._resolved(schema)
        if found.get("type") == "array":
            return self._inside(found.get("items", {}), mark)
        if "oneOf" in found:
            by = found.get("discriminator", {}).get("propertyName")
            told = Markup(", depending on <code>{}</code>").format(by) if by else Markup("")
            return _LINE.format(Markup("One of {}{}.").format(self._type(found), told))
        return _FIELDS.format(fields) if (fields := self._fields(found, mark)) else Markup("")

    def _fields(self, schema: Schema, mark: str, before: str = "") -> Markup:
        """Return the fields of an object. Those of an object without a name follow it."""
        pieces: list[Markup] = []
        required = schema.get("required", ())
        for name, each in schema.get("properties", {}).items():
            pieces.append(_field(before + name, self._type(each), each, mark if name in required else ""))
            inner, within = (each.get("items", {}), "[].") if each.get("type") == "array" else (each, ".")
            pieces.append(self._fields(inner, mark, f"{before}{name}{within}"))
        return _joined(pieces)

    # Types

    def _resolved(self, part: Schema) -> Schema:
        """Return what a reference leads to."""
        while "$ref" in part:
            found: Any = self._document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    def _type(self, schema: Schema) -> Markup:
        """Return the type of a value, with links to objects."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            self._linked.setdefault(name)
            return _LINK.format(name)
        if values := [schema["const"]] if "const" in schema else schema.get("enum"):
            return _joined((_CODE.format(json.dumps(each, ensure_ascii=False)) for each in values), OR)
        if "type" not in schema and (either := schema.get("oneOf") or schema.get("anyOf")):
            return _joined(dict.fromkeys(map(self._type, either)), OR)
        return _joined(dict.fromkeys(self._kind(kind, schema) for kind in _kinds(schema)), OR)

    def _kind(self, kind: str, schema: Schema) -> Markup:
        if kind == "array" and schema.get("items"):
            return Markup("list of {}").format(_one(self._type(schema["items"])))
        others = schema.get("additionalProperties") or schema.get("patternProperties", {}).get("")
        if kind == "object" and isinstance(others, dict) and others:
            return Markup("map to {}").format(_one(self._type(others)))
        if kind == "string":
            kind = "file" if "contentMediaType" in schema else FORMATS.get(schema.get("format", ""), kind)
        return Markup("{}").format({"array": "list"}.get(kind, kind) + _limits(kind, schema))


def _kinds(schema: Schema) -> list[str]:
    """Return the types of a value. A generator of clients is not shown some: they are what `not` leaves."""
    kinds = schema.get("type")
    if kinds is None:
        refused = schema.get("not", {}).get("type")
        return [each for each in TYPES if each not in refused] if isinstance(refused, list) else ["anything"]
    return kinds if isinstance(kinds, list) else [kinds]


def _one(kind: Markup) -> Markup:
    """Return a type in parentheses if it is one of several."""
    return Markup("({})").format(kind) if OR in kind else kind


def _limits(kind: str, schema: Schema) -> str:
    if kind == "string":
        return f" of at most {schema['maxLength']}" if schema.get("maxLength") else ""
    if kind not in ("integer", "number"):
        return ""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is None:
        return ""
    return f", at least {low}"


def _schema_of(part: Schema) -> Schema:
    """Return the schema of the first content of a response or parameter."""
    for each in part.get("content", {}).values():
        schema: Schema = each.get("schema", {})
        return schema
    return {}


def _field(name: str, kind: Markup, told: Schema, mark: str = "") -> Markup:
    about = _text(told.get("description", ""))
    if "default" in told.get("schema", told):
        about += Markup(" Default: <code>{}</code>.").format(json.dumps(told.get("schema", told)["default"]))
    return _FIELD.format(name=name, kind=kind, mark=_STRONG.format(mark) if mark else "", about=about)


def _text(text: str) -> Markup:
    """Return a text in which backquotes mark code."""
    pieces = re.split(r"`([^`]+)`", text)
    return _joined(
        _CODE.format(each) if number % 2 else Markup("{}").format(each) for number, each in enumerate(pieces)
    )


def _joined(pieces: Iterable[Markup], between: str = "") -> Markup:
    return Markup(between).join(pieces)  # noqa: S704  # of ours
