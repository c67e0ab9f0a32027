"""The whole contract as one OpenAPI 3.1 document, for the tools that read such.

`schemas/openapi.json` describes requests as they are served: a field that no page knows passes, and a null counts as
absent. `schemas/openapi.strict.json` is the same, but for one thing: a request has no field that its page does not
name. It is for warnings, and nothing serves it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from openapi_examples import filled, title_of
from openapi_facts import (
    HEADERS,
    IN_PATH,
    LINKS,
    NAMED_CLIENT,
    NOT_IN_PATH,
    OF_CALLERS,
    OF_ERRORS,
    OF_OPERATIONS,
    OF_REPLIES,
    SECRET,
    SECURITY,
    WAIT,
    WAITING,
    WEBHOOK,
)
from openapi_forms import as_form
from openapi_portable import portable
from openapi_requests import Requests
from openapi_schemas import TOLD, Replies, in_braces, name_of, paths_and_tags, told, told_apart, variants

from fakeflowdock.api.media_types import EVENT_STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Schema = dict[str, Any]

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
SHOWN = ("page", "grade", "evidence", "callers", "scope", "successor")
BESIDE = ("Flowdock-User",)  # what any answer may have
NO_USER = (["anyone"], ["provisioner"])  # callers who are no users


def openapi_of(files: Mapping[str, Schema], *, strict: bool = False) -> Schema:
    """The document.

    Args:
        files: page name (`sources`) to the content of its schema file, in the order of the document.
        strict: whether a request has nothing but what its page names.
    """
    document: Schema = portable(_Document(files, strict=strict).whole())
    return document


class _Document:
    """One document on its way. What several operations have in common is gathered among the components."""

    def __init__(self, files: Mapping[str, Schema], *, strict: bool) -> None:
        self._files = files
        self._replies = Replies(files)
        self._requests = Requests(closed=strict)
        self._strict = strict
        self._schemas: dict[str, Schema] = {}
        self._bodies: dict[str, Schema] = {}
        self._responses: dict[str, Schema] = {}
        self._parameters: dict[str, Schema] = {}
        self._examples: dict[str, Schema] = {}

    def whole(self) -> Schema:
        """All of it."""
        paths, tags = paths_and_tags(self._files, self._routes)
        return {
            "openapi": "3.1.0",
            "info": self._info(),
            "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
            "servers": [
                {"url": "https://api.flowdock.com", "description": "Flowdock, and each fake in its process."},
                {"url": "/", "description": "The fake that serves this document."},
            ],
            "tags": tags,
            "paths": paths,
            "webhooks": self._webhooks(),
            "components": {
                "schemas": dict(
                    sorted({**self._replies.components, **self._requests.components, **self._schemas}.items())
                ),
                "responses": dict(sorted(self._responses.items())),
                "parameters": self._parameters,
                "examples": self._examples,
                "requestBodies": self._bodies,
                "headers": self._headers(),
                "securitySchemes": SECURITY,
            },
        }

    def _headers(self) -> Schema:
        """The headers of responses.

        openapi-generator makes Java and TypeScript that import a class for each form, and leaves out those classes
        of which nothing but forms speaks. So a header speaks of them: the fields of a text, which has none.
        """
        bodies = [
            body["content"][media]["schema"]
            for body in self._bodies.values()
            for media in body["content"]
            if media != JSON
        ]
        forms = {each["$ref"].rpartition("/")[2]: each for each in bodies}
        comment = "A string has no properties. These make openapi-generator write the classes that its clients import."
        schema = {**HEADERS["Status"]["schema"], "$comment": comment, "properties": forms}
        return {**HEADERS, "Status": {**HEADERS["Status"], "schema": schema}}

    def _webhooks(self) -> Schema:
        """What an integration receives."""
        body = {"$ref": self._replies.component("thread-actions", "performed-action")}
        self._bodies["PerformAction"] = {"content": {JSON: {"schema": body}}, "required": True}
        action = {"$ref": "#/components/requestBodies/PerformAction"}
        return {"thread-action": {"post": {**WEBHOOK, "requestBody": action}}}

    def _info(self) -> Schema:
        page = self._files["general-information"]
        rules = "\n\n".join(f"## {rule['title']}\n\n{rule['description']}" for rule in page["$defs"].values())
        head = "Compiled from docs/api; change a page and compile again."
        if self._strict:
            head += "\n\nHere a request has nothing but what its page names; the service let everything pass."
        return {
            "title": "Flowdock REST API" + (", strict" if self._strict else ""),
            "version": "1",
            "summary": "Flowdock's REST API, as fakeflowdock answers it.",
            "description": f"{head}\n\n{rules}",
            "license": {"name": "MIT", "identifier": "MIT"},
        }

    def _routes(self, page: str, name: str, schema: Schema) -> Iterator[tuple[str, str, Schema]]:
        """Each route of an operation, as path, method and operation. PATCH does what PUT does."""
        for number, route in enumerate(schema["x-operation"]["routes"]):
            path, method = in_braces(route["path"]), route["method"].lower()
            words = [word for word in route["path"].split("/") if word and word[0] not in ":_"]
            identity = f"{name}-at-{'-'.join(words)}" if number else name
            yield path, method, self._operation(page, name, schema, route, identity)
            if method == "put":
                yield path, "patch", self._operation(page, name, schema, route, f"{identity}-by-patch")

    def _operation(self, page: str, name: str, schema: Schema, route: Schema, identity: str) -> Schema:
        facts = schema["x-operation"]
        method, path = route["method"], in_braces(route["path"])
        parameters = [*self._in_path(route), *(self._in_query(schema) if method in ("GET", "DELETE") else ())]
        body = self._body(name, schema, path) if method not in ("GET", "DELETE") and schema["properties"] else {}
        if name in WAITING:
            parameters.append(WAIT)
        elif body and schema.get("required") and len(_media_of(schema)) > 1:
            self._parameters["User-Agent"] = NAMED_CLIENT
            parameters.append({"$ref": "#/components/parameters/User-Agent"})
        operation: Schema = {
            "operationId": identity,
            "tags": [self._files[page]["title"]],
            "summary": schema["title"],
            "description": _description(schema),
            **({"deprecated": True} if route["obsolete"] or facts["successor"] else {}),
            **({"parameters": parameters} if parameters else {}),
        }
        return {
            **operation,
            **({"requestBody": body} if body else {}),
            "responses": self._answers(page, name, schema, path),
            "security": _security(name, schema),
            **{f"x-{fact}": facts[fact] for fact in SHOWN if facts[fact]},
            **({"x-errors": facts["errors"]} if facts["errors"] else {}),
        }

    def _in_path(self, route: Schema) -> Iterator[Schema]:
        segments = route["path"].split("/")
        for before, segment in pairwise(segments):
            if not segment.startswith(":"):
                continue
            name = segment[1:]
            key = ("", name) if ("", name) in IN_PATH else (before, name)
            schema, *more = IN_PATH.get(key, (SECRET,))
            component = f"{key[0]}.{name}".removeprefix(".")
            self._parameters[component] = {
                "name": name,
                "in": "path",
                "required": True,
                "schema": schema,
                **dict(zip(("description", "example"), filled(more), strict=False)),
            }
            yield {"$ref": f"#/components/parameters/{component}"}

    def _in_query(self, schema: Schema) -> Iterator[Schema]:
        """The parameters of a request without a body. In a query a list is a text with commas."""
        example = filled(schema["examples"][0]) if "examples" in schema else {}
        form = self._requests.form(schema, multipart=False)
        for name, each in form["properties"].items():
            if name.endswith("[]"):
                name = name.removesuffix("[]")
                if name not in form.get("dependentSchemas", ()):
                    continue
                each = {"type": "string", **told(each)}
            value = {key: part for key, part in each.items() if key not in TOLD}
            if "anyOf" in value and value["anyOf"][0].get("type") in ("integer", "boolean"):
                # All is text in a query: its form needs no second telling.
                value = {"anyOf": value["anyOf"][:-1]} if len(value["anyOf"]) > 2 else value["anyOf"][0]
            yield {
                "name": name,
                "in": "query",
                **told(each),
                **({"required": True} if name in schema.get("required", ()) else {}),
                "schema": value,
                **({"example": example[name]} if name in example else {}),
            }

    def _body(self, name: str, schema: Schema, path: str) -> Schema:
        """The body of a request, whose examples have some parameters more where the path has fewer."""
        key = name_of(name)
        more: Schema = NOT_IN_PATH.get(name, {}) if "{flow}" not in path else {}
        examples = [filled({**example, **more}) for example in schema["examples"]]
        content: Schema = {}
        for media, kind in _media_of(schema).items():
            self._schemas[f"{key}{kind}"] = self._request(f"{key}{kind}", schema, media)
            shown = examples if media == JSON else [as_form(example) for example in examples]
            content[media] = {"schema": {"$ref": f"#/components/schemas/{key}{kind}"}}
            if media != MULTIPART:  # where a file is a part of its own, which no example can show
                content[media]["examples"] = {title_of(each): {"value": each} for each in shown}
        named = f"{key}ToAnyFlow" if more else key
        self._bodies[named] = {"content": content, "required": bool(schema.get("required"))}
        return {"$ref": f"#/components/requestBodies/{named}"}

    def _request(self, name: str, schema: Schema, media: str) -> Schema:
        def made(one: Schema) -> Schema:
            if media == JSON:
                return self._requests.json(one)
            return self._requests.form(one, multipart=media == MULTIPART)

        if "allOf" not in schema:
            return {"title": name, **made(schema)}
        cases = ((case, made(variant)) for case, variant in variants(schema))
        return {"title": name, **told_apart(name, self._schemas, cases)}

    def _answers(self, page: str, name: str, schema: Schema, path: str) -> Schema:
        """What an operation answers, by status: its replies and its errors. A status may be both."""
        facts = schema["x-operation"]
        own = {error["error"]: error["when"] for error in facts["errors"]}
        refused = self._replies.by_status(lambda e, its: e in own or (its["everywhere"] and not _never(e, facts)))
        answers: Schema = {}
        for status in sorted({*facts["replies"], *refused}):
            errors = refused.get(status, [])
            if status in facts["replies"]:
                answers[str(status)] = self._reply(page, name, status, path, errors)
                continue
            address = self._error(errors)
            if any(error in own for error in errors):
                words = [self._replies.said(error, own[error]) for error in errors if error in own]
                answers[str(status)] = {"$ref": address, "description": "\n\n".join(words)}
            else:
                answers[str(status)] = {"$ref": address}
        return answers

    def _reply(self, page: str, name: str, status: int, path: str, errors: Sequence[str]) -> Schema:
        key, facts = f"{name}.{status}", self._files[page]["$defs"][name]["x-operation"]
        given = {"page": page, "key": key, "errors": errors, "callers": facts["callers"]}
        links = {
            target: {"operationId": target, "parameters": values}
            for target, values in LINKS.get(key, {}).items()
            if all(f"{{{each.split('.')[-1]}}}" in path for each in values.values() if each.startswith("$request.path"))
        }
        if links:
            return {**self._response(**given), "links": links}
        self._responses[key] = self._response(**given)
        return {"$ref": f"#/components/responses/{key}"}

    def _response(self, page: str, key: str, errors: Sequence[str], callers: Sequence[str]) -> Schema:
        schema = self._files[page]["$defs"][key]
        headers = ["Status", *(BESIDE if callers not in NO_USER else ()), *OF_REPLIES.get(key, ())]
        response: Schema = {
            "description": _told(schema),
            "headers": {header: {"$ref": f"#/components/headers/{header}"} for header in headers},
        }
        content: Schema = {}
        if schema.get("contentMediaType") == "text/html":
            content["text/html"] = {"schema": {"type": "string"}}
        elif not schema.get("x-empty"):
            body: Schema = {"schema": self._named(page, key, schema)}
            if "examples" in schema:
                self._examples[key] = {"value": schema["examples"][0]}
                body["examples"] = {key: {"$ref": f"#/components/examples/{key}"}}
            content[JSON] = body
            if schema.get("x-stream"):
                content[EVENT_STREAM] = {"schema": {"type": "string"}}
            if key == "request-tokens.200":
                content[FORM] = {"schema": body["schema"]}
        if errors:
            content |= self._error_content(errors)
        if content:
            response["content"] = content
        return response

    def _named(self, page: str, key: str, schema: Schema) -> Schema:
        """The schema of a reply; one that is no other operation's has a name of its own."""
        if "properties" not in schema:
            return self._replies.of(page, schema)
        name = f"{name_of(key.partition('.')[0])}Reply"
        self._schemas[name] = {"title": name, **self._replies.of(page, schema)}
        return {"$ref": f"#/components/schemas/{name}"}

    def _error(self, errors: Sequence[str]) -> str:
        key = "-or-".join(errors)
        headers = ["Status", *BESIDE, *(header for error in errors[:1] for header in OF_ERRORS.get(error, ()))]
        self._responses[key] = {
            "description": "\n\n".join(self._replies.said(error) for error in errors),
            "headers": {header: {"$ref": f"#/components/headers/{header}"} for header in headers},
            "content": self._error_content(errors),
        }
        return f"#/components/responses/{key}"

    def _error_content(self, errors: Sequence[str]) -> Schema:
        for error in errors:
            self._examples[error] = {"value": self._replies.errors[error]["examples"][0]}
        examples = {error: {"$ref": f"#/components/examples/{error}"} for error in errors}
        return {JSON: {"schema": self._replies.any_of(errors), "examples": examples}}


def _media_of(schema: Schema) -> dict[str, str]:
    """The media types of a body, and how the schema of each ends."""
    media = {JSON: "Request", FORM: "Form", MULTIPART: "Multipart"}
    return {JSON: media[JSON]} if schema["x-operation"]["callers"] == ["provisioner"] else media


def _never(error: str, facts: Schema) -> bool:
    """Whether an operation has no use for an error that every operation may answer: it asks for no credentials."""
    return facts["callers"] == ["anyone"] and error in ("unauthorized", "gone")


def _description(schema: Schema) -> str:
    facts = schema["x-operation"]
    scope = f" with the scope `{facts['scope']}`" if facts["scope"] else ""
    callers = [f"{caller}{scope}" if caller == "application" else caller for caller in facts["callers"]]
    return (
        f"{schema['description']}\n\nWho may call it: {', '.join(callers)}.\n\n"
        f"Grade: {facts['grade']}. Evidence: {facts['evidence']}\n\nWritten in {facts['page']}."
    )


def _security(name: str, schema: Schema) -> list[Schema]:
    """Who may call an operation, as credentials; none of them is needed where a parameter is the secret of a source."""
    facts = schema["x-operation"]
    if facts["callers"] == ["anyone"] or {"flow_token", "token"} & set(schema.get("required", ())):
        return OF_OPERATIONS.get(name, [])
    scope = [facts["scope"]] if facts["scope"] else []
    schemes = [(caller, scheme) for caller in facts["callers"] for scheme in OF_CALLERS[caller]]
    asked: list[Schema] = [{scheme: scope if caller == "application" else []} for caller, scheme in schemes]
    return [*asked, *([{}] if "flow_token" in schema["properties"] else [])]


def _told(schema: Schema) -> str:
    """What a reply holds, in a word or two."""
    if schema.get("x-redirect"):
        return "A redirect."
    if schema.get("x-empty"):
        return "Nothing."
    if "contentMediaType" in schema:
        return "A page."
    if "$ref" in schema:
        return f"{name_of(schema['$ref'].partition('#')[2])}."
    if schema["type"] == "array":
        return f"A list of {name_of(schema['items']['$ref'].partition('#')[2])}."
    return "An object." if "properties" in schema else "An empty object."
