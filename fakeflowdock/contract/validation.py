"""Validate values against schemas.

The only module that uses a JSON Schema library. `jsonschema_rs` checks first, if it is installed, because it is a
hundred times faster. `jsonschema` produces every error message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .formats import FORMATS, REMEMBERED
from .json_pointer import pointer_to
from .schema_walk import SchemaPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import jsonschema_rs


try:
    import jsonschema_rs as fast
except ImportError:  # no wheel for this platform: slower, with the same results
    fast = None  # type: ignore[assignment]  # a module or nothing

API, ADMIN = "api", "admin"  # the parts of the contract: Flowdock's operations and our own, each a folder in `docs`
BLANK = "can't be blank"
UNKNOWN = "is not on the page"
MOST = 1_000  # violations of one value that are looked for
PIECE = 100  # items of a list that are checked at once


@dataclass(frozen=True)
class Violation:
    """One place where a value violates its schema.

    Attributes:
        pointer: the place in the value, as a JSON pointer; empty for the value itself.
        field: the invalid field, with dots, `thread.status.color`; None for the value itself.
        message: the error, as clients see it ("can't be blank", "is not a string").
        known: for an unknown field, the known ones.
    """

    pointer: str
    field: str | None
    message: str
    known: tuple[str, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether the field is unknown."""
        return self.message == UNKNOWN

    @property
    def innermost(self) -> Violation:
        """The same with the name of the innermost field: `name` of `/application/name`."""
        return Violation(self.pointer, self.pointer.rpartition("/")[2] or None, self.message)


class Check:
    """A schema to validate values against.

    Args:
        ours: whether the values are our own responses, not requests.

    Attributes:
        schema: its place, `schemas/sources.json#create-source.201`.
        address: its `$id` and anchor, a URL that every fake serves.
        pages: the schemas to which it refers; its own is `anchor` of `page`.
    """

    def __init__(self, pages: Pages, page: str, anchor: str, *, ours: bool = False) -> None:
        self._formats = REMEMBERED if ours else FORMATS
        self.schema = f"schemas/{'' if pages.part == API else pages.part + '/'}{page}.json#{anchor}"
        self.address = f"{pages.schemas[page]['$id']}#{anchor}"
        self.pages, self.page, self.anchor = pages, page, anchor

    @cached_property
    def place(self) -> SchemaPlace:
        """The schema itself."""
        return SchemaPlace(self.pages.schemas, self.page, {}).to({"$ref": f"#{self.anchor}"})

    def violations(self, value: Any) -> list[Violation]:
        """Return each place where a value violates the schema, up to the first `MOST`.

        Args:
            value: a value as `json.loads` returns it.
        """
        if (is_valid := self._verdict) is not None:
            try:
                if is_valid(value) if not self._is_long(value) else all(map(is_valid, _pieces(value))):
                    return []
            except (ValueError, OverflowError):
                pass  # the number is too large for Rust
        return [*islice((v for error in self._validator.iter_errors(value) for v in _violations(error)), MOST)]

    def _is_long(self, value: Any) -> bool:
        """Return whether parts of a list are checked one by one: the fast validator lets no other thread run."""
        return isinstance(value, list) and len(value) > PIECE and self._is_of_items

    @cached_property
    def _is_of_items(self) -> bool:
        """Whether a list is valid if its items are."""
        return {"minItems", "maxItems", "uniqueItems", "contains", "prefixItems"}.isdisjoint(self.place.schema)

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return self.pages.validator(self.address)

    @cached_property
    def _verdict(self) -> Callable[[Any], bool] | None:
        if fast is None:
            return None
        return fast.Draft202012Validator(
            {"$ref": self.address}, validate_formats=True, formats=self._formats, registry=self.pages.fast_registry
        ).is_valid


def _violations(error: ValidationError) -> Iterator[Violation]:
    """Yield the violations of one error of jsonschema. They contain no value, because it may be a secret."""
    path = [str(step) for step in error.absolute_path]
    schema = error.schema if isinstance(error.schema, dict) else {}
    rule: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "required":
        # jsonschema reports each missing name separately, and only in its message
        missing = [name for name in rule if error.message.startswith(repr(name))]
        yield from (_violation([*path, name], BLANK) for name in missing)
    elif error.validator == "additionalProperties" and rule is False:
        known = tuple(schema.get("properties", ()))
        extra = [name for name in value if name not in known]
        yield from (_violation([*path, name], UNKNOWN, known) for name in extra)
    elif error.validator == "anyOf" and (inner := _closest(error)):
        for each in inner:
            yield from _violations(each)
    elif error.validator == "pattern" and "format" not in schema and not str(value).strip():
        yield _violation(path, BLANK)
    elif error.validator == "maxLength":
        yield _violation(path, f"is too long (maximum is {rule} characters)")
    else:
        kind = schema.get("title")
        words = schema.get("x-words", {}).get(error.validator)
        yield _violation(path, words or (f"is not {kind}" if kind else f"breaks the rule {error.validator}"))


def _closest(error: ValidationError) -> list[ValidationError]:
    """Return the errors of the only alternative that accepts values of this type, or none if there are several."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        errors for errors in branches.values() if not any(e.validator == "type" and not e.relative_path for e in errors)
    ]
    return fitting[0] if len(fitting) == 1 else []


def _violation(path: Sequence[str], message: str, known: tuple[str, ...] = ()) -> Violation:
    return Violation(pointer_to(path), ".".join(path) or None, message, known)


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


class Pages:
    """The compiled pages.

    Args:
        schemas: page name (`sources`) to the content of its schema file.
        part: the part of the contract.
    """

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], part: str = API) -> None:
        self.schemas = schemas
        self.part = part

    @cached_property
    def validator(self) -> Callable[[str], Draft202012Validator]:
        """The function from an address to its validator."""
        return validators_of({schema["$id"]: schema for schema in self.schemas.values()})

    @cached_property
    def fast_registry(self) -> jsonschema_rs.Registry:
        """The same schemas, for the fast validator."""
        assert fast is not None
        return fast.Registry([(schema["$id"], dict(schema)) for schema in self.schemas.values()])


def _pieces(value: list[Any]) -> Iterable[list[Any]]:
    """Return the parts of a long list."""
    return (value[start : start + PIECE] for start in range(0, len(value), PIECE))


def missing(names: Iterable[str], fields: Mapping[str, Any]) -> list[Violation]:
    """Return a violation for each missing parameter."""
    return [_violation([name], BLANK) for name in names if name not in fields]


def by_field(violations: Iterable[Violation]) -> dict[str, list[str]]:
    """Return violations as Flowdock's `errors`: field to its errors, without repetitions."""
    errors: dict[str, list[str]] = {}
    for violation in violations:
        words = errors.setdefault(violation.field or "", [])
        if violation.message not in words:
            words.append(violation.message)
    return errors
