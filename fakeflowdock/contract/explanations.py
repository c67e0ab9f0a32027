"""Explain why a value violates its schema, with `jsonschema`.

Most values are valid, which `jsonschema_rs` alone can tell. So a server imports this with the first value that is not:
`jsonschema` would be a fifth of the time that it takes to start.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .formats import FORMATS
from .violations import BLANK, MOST, UNKNOWN, violation_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .violations import Violation


def _format_checker() -> FormatChecker:
    def has_format(is_valid: Callable[[str], bool], value: object) -> bool:
        return not isinstance(value, str) or is_valid(value)

    checker = FormatChecker(formats=())
    checker.checkers.update({name: (partial(has_format, is_valid), ()) for name, is_valid in FORMATS.items()})
    return checker


def _pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Match a pattern as JSON Schema defines it: `$` at its end does not match before a final line break."""
    if validator.is_type(value, "string") and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _any_of(validator: Any, schemas: Sequence[Any], value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Look for the first errors of each alternative. jsonschema would keep all of them, with the value as a text."""
    found: list[ValidationError] = []
    for position, schema in enumerate(schemas):
        errors = [*islice(validator.descend(value, schema, schema_path=position), MOST)]
        if not errors:
            return
        found += errors
    yield ValidationError("is not valid under any of the schemas", context=found)


def _type(validator: Any, types: str | list[str], value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Do the same as jsonschema, without the value in the message: it may be the whole body."""
    if not any(validator.is_type(value, each) for each in ([types] if isinstance(types, str) else types)):
        yield ValidationError("is of another type")


_Validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]  # jsonschema does not type it
    Draft202012Validator, {"pattern": _pattern, "anyOf": _any_of, "type": _type}
)


def validators_of(schemas: Mapping[str, Mapping[str, Any]]) -> Callable[[str], Draft202012Validator]:
    """Return a function from an address, `$id#anchor`, to its validator. It also checks formats.

    Args:
        schemas: `$id` to schema.
    """
    resources = [(uri, DRAFT202012.create_resource(schema)) for uri, schema in schemas.items()]
    registry: Registry[Any] = Registry().with_resources(resources).crawl()
    formats = _format_checker()

    def validator(uri: str) -> Draft202012Validator:
        return _Validator({"$ref": uri}, registry=registry, format_checker=formats)

    return validator


def violations_of(error: ValidationError) -> Iterator[Violation]:
    """Yield the violations of one error of jsonschema. They contain no value, because it may be a secret."""
    path = [str(step) for step in error.absolute_path]
    schema = error.schema if isinstance(error.schema, dict) else {}
    rule: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "required":
        # jsonschema reports each missing name separately, and only in its message
        missing = [name for name in rule if error.message.startswith(repr(name))]
        yield from (violation_at([*path, name], BLANK) for name in missing)
    elif error.validator == "additionalProperties" and rule is False:
        known = tuple(schema.get("properties", ()))
        extra = [name for name in value if name not in known]
        yield from (violation_at([*path, name], UNKNOWN, known) for name in extra)
    elif error.validator == "anyOf" and (inner := _closest(error)):
        for each in inner:
            yield from violations_of(each)
    elif error.validator == "pattern" and "format" not in schema and not str(value).strip():
        yield violation_at(path, BLANK)
    elif error.validator == "maxLength":
        yield violation_at(path, f"is too long (maximum is {rule} characters)")
    else:
        kind = schema.get("title")
        words = schema.get("x-words", {}).get(error.validator)
        yield violation_at(path, words or (f"is not {kind}" if kind else f"breaks the rule {error.validator}"))


def _closest(error: ValidationError) -> list[ValidationError]:
    """Return the errors of the only alternative that accepts values of this type, or none if there are several."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        errors for errors in branches.values() if not any(e.validator == "type" and not e.relative_path for e in errors)
    ]
    return fitting[0] if len(fitting) == 1 else []
