"""The operations of a server's operator as an OpenAPI 3.1 document of their own: they are ours, and not Flowdock's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from openapi_portable import portable
from openapi_schemas import Replies, in_braces, name_of, paths_and_tags, told

from fakeflowdock.api.media_types import EVENT_STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Schema = dict[str, Any]

JSON = "application/json"
OF_WORLD = "/worlds/{world}"
NAMED: Schema = {"type": "string", "minLength": 1}
IN_PATH: dict[str, tuple[Schema, str, Any]] = {
    "world": ({"type": "string", "minLength": 1}, "The name of a world; `default` is the server's own.", "default"),
    "snapshot": ({"type": "string", "minLength": 1}, "The name of a snapshot.", "before"),
    "part": (
        {"enum": ["api", "admin", "guide", "openapi"], "type": "string"},
        "A part of the documentation.",
        "api",
    ),
    "page": ({"type": "string", "minLength": 1}, "The name of a page.", "errors"),
    "file": (NAMED, "The file of a client library.", "node.mjs"),
    "id": ({"type": "integer", "minimum": 1}, "The number of a fault.", 1),
    "organization": (NAMED, "The id or a name of an organization.", "example"),
    "user": (NAMED, "The id, the name, the nick or the e-mail address of a user.", "ada@example.com"),
    "flow": (NAMED, "The id, the path or the name of a flow. A slash in it may be encoded.", "example/main"),
    "application": (NAMED, "The id or the name of an application.", "1"),
    "access_token": (NAMED, "An access token.", "0123456789abcdef0123456789abcdef"),
    "source": (NAMED, "The id or the name of a source.", "Builds"),
    "invitation": ({"type": "integer", "minimum": 1}, "The number of an invitation.", 14),
    "message": ({"type": "integer", "minimum": 1}, "The id of a message in its flow.", 1),
}
DESCRIPTION = (
    "What a Python test holds in its hands, for every other language: worlds, their state, journal, faults, clock and "
    "settings. Compiled from docs/admin; change a page and compile again. These operations are fakeflowdock's own: "
    "Flowdock had nothing of the kind. An operation of a world names the short path, without "
    "`/worlds/{world}`, that it has for the world `default`."
)


def openapi_of_admin(files: Mapping[str, Schema]) -> Schema:
    """The document.

    Args:
        files: page name (`worlds`) to the content of its schema file, in the order of the document.
    """
    document: Schema = portable(_Document(files).whole())
    return document


class _Document:
    """The document on its way."""

    def __init__(self, files: Mapping[str, Schema]) -> None:
        self._files = files
        self._objects = Replies(files)
        self._responses: dict[str, Schema] = {}
        self._bodies: dict[str, Schema] = {}
        self._sent: dict[str, Schema] = {}

    def whole(self) -> Schema:
        """All of it."""
        paths, tags = paths_and_tags(self._files, self._routes)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "fakeflowdock admin API",
                "version": "1",
                "summary": "How a fakeflowdock server is administered.",
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
            "servers": [{"url": "/", "description": "The server that serves this document."}],
            "tags": tags,
            "paths": paths,
            "components": {
                "schemas": dict(sorted({**self._objects.components, **self._sent}.items())),
                "responses": dict(sorted(self._responses.items())),
                "requestBodies": self._bodies,
                "securitySchemes": {
                    "adminToken": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "The admin token, where the server asks for one.",
                    }
                },
            },
        }

    def _routes(self, page: str, name: str, schema: Schema) -> Iterator[tuple[str, str, Schema]]:
        """Each route of an operation, as path, method and operation.

        The short path of the world `default` stands beside the path of any world, and is no operation of its own:
        clients would have each method twice.
        """
        routes = [(in_braces(route["path"]), route["method"].lower()) for route in schema["x-operation"]["routes"]]
        short = {(path.replace(OF_WORLD, "", 1), method) for path, method in routes if OF_WORLD in path}
        for number, (path, method) in enumerate(routes):
            if (path, method) not in short:
                identity = f"{name}-{path.rpartition('/')[2]}" if number else name
                operation = self._operation(page, name, schema, path, method, identity)
                if (shorter := path.replace(OF_WORLD, "", 1), method) in short & {*routes}:
                    operation["description"] += f"\n\nFor the world `default` also `{shorter}`."
                    operation["x-default-path"] = shorter
                yield path, method, operation

    def _operation(self, page: str, name: str, schema: Schema, path: str, method: str, identity: str) -> Schema:
        facts = schema["x-operation"]
        in_query = method in ("get", "delete")
        parameters = [*_in_path(path), *(self._in_query(page, schema) if in_query else ())]
        operation: Schema = {
            "operationId": identity,
            "tags": [self._files[page]["title"]],
            "summary": schema["title"],
            "description": f"{schema['description']}\n\nWritten in {facts['page']}.",
            **({"parameters": parameters} if parameters else {}),
        }
        if schema["properties"] and not in_query:
            operation["requestBody"] = self._body(page, name, schema)
        return {
            **operation,
            "responses": self._answers(page, name, facts),
            "security": [] if facts["callers"] == ["anyone"] else [{"adminToken": []}, {}],
            "x-page": facts["page"],
            "x-grade": "ours",
        }

    def _body(self, page: str, name: str, schema: Schema) -> Schema:
        key = name_of(name)
        kept = {key: each for key, each in schema.items() if key in ("type", "properties", "required")}
        request = f"{key}Request"
        self._sent[request] = {"title": request, **self._objects.of(page, kept), "additionalProperties": False}
        content = {
            "schema": {"$ref": f"#/components/schemas/{request}"},
            "examples": {"example": {"value": schema["examples"][0]}},
        }
        self._bodies[key] = {"content": {JSON: content}, "required": bool(schema.get("required"))}
        return {"$ref": f"#/components/requestBodies/{key}"}

    def _in_query(self, page: str, schema: Schema) -> Iterator[Schema]:
        for name, each in schema["properties"].items():
            value = {key: part for key, part in self._objects.of(page, each).items() if key != "description"}
            form = {"content": {JSON: {"schema": value}}} if value.get("type") == "object" else {"schema": value}
            yield {"name": name, "in": "query", **told(each), **form}

    def _answers(self, page: str, name: str, facts: Schema) -> Schema:
        own = {error["error"]: error["when"] for error in facts["errors"]}
        own_or_any = {*own, "method-not-allowed", "broken-contract"}
        closed = facts["callers"] != ["anyone"]
        refused = self._objects.by_status(lambda error, its: error in own_or_any or (its["everywhere"] and closed))
        answers: Schema = {}
        for status in facts["replies"]:
            answers[str(status)] = self._reply(page, self._files[page]["$defs"][f"{name}.{status}"])
        for status, errors in refused.items():
            whens = [own[error] for error in errors if error in own]
            answers[str(status)] = {"$ref": self._error(errors), **({"description": " ".join(whens)} if whens else {})}
        return dict(sorted(answers.items()))

    def _reply(self, page: str, schema: Schema) -> Schema:
        if schema.get("x-empty"):
            return {"description": "Nothing."}
        if "contentMediaType" in schema:
            content = {schema["contentMediaType"]: {"schema": {"type": "string"}}}
            return {"description": "A text or a page.", "content": content}
        if schema.get("x-stream"):
            text = "Server-sent events, each with the data of the example."
            example = {"value": f"data: {json.dumps(schema['examples'][0])}\n\n"}
            events: Schema = {"schema": {"type": "string"}, "examples": {"example": example}}
            return {"description": text, "content": {EVENT_STREAM: events}}
        content = {"schema": self._objects.of(page, schema), "examples": {"example": {"value": schema["examples"][0]}}}
        return {"description": f"{schema['title']}.", "content": {JSON: content}}

    def _error(self, errors: Sequence[str]) -> str:
        key = "-or-".join(errors)
        examples = {error: {"value": self._objects.errors[error]["examples"][0]} for error in errors}
        self._responses[key] = {
            "description": " ".join(map(self._objects.said, errors)),
            "content": {JSON: {"schema": self._objects.any_of(errors), "examples": examples}},
        }
        return f"#/components/responses/{key}"


def _in_path(path: str) -> Iterator[Schema]:
    for name in re.findall(r"{(\w+)}", path):
        schema, description, example = IN_PATH[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": schema,
            "example": example,
        }
