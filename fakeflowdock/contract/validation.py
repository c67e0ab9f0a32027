"""Values against schemas: the only file that knows a JSON Schema library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .formats import FORMATS, REMEMBERED
from .json_pointer import pointer_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import jsonschema_rs


try:
    import jsonschema_rs as fast
except ImportError:  # no wheel for this platform: slower, and the same verdicts
    fast = None  # type: ignore[assignment]  # a module or nothing


API, ADMIN = "api", "admin"  # the parts of the contract, each a folder in `docs`: Flowdock's operations, and our own
BLANK = "can't be blank"
UNKNOWN = "is not on the page"


@dataclass(frozen=True)
class Violation:
    """One place where a value breaks its schema.

    Attributes:
        pointer: where in the value, as a JSON pointer; empty for the value itself.
        field: the field to blame, or None; one inside another with dots between, `thread.status.color`.
        message: what is wrong, as a client reads it ("can't be blank", "is not a string").
        known: of a field that its page does not have, the names that are there.
    """

    pointer: str
    field: str | None
    message: str
    known: tuple[str, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether it is a field that its page does not have."""
        return self.message == UNKNOWN

    @property
    def innermost(self) -> Violation:
        """The same, with the blame on the field deepest inside: `name` of `/application/name`."""
        return Violation(self.pointer, self.pointer.rpartition("/")[2] or None, self.message)


class Check:
    """One schema, ready to check values.

    Args:
        ours: whether the values are our own replies, not what a client sends.

    Attributes:
        schema: where it is written, `schemas/sources.json#create-source.201`.
        address: its `$id` and anchor, where every fake answers with it.
        pages: the schemas that it refers to; its own is `anchor` of `page`.
    """

    def __init__(self, pages: Pages, page: str, anchor: str, *, ours: bool = False) -> None:
        self._formats = REMEMBERED if ours else FORMATS
        self.schema = f"schemas/{'' if pages.part == API else pages.part + '/'}{page}.json#{anchor}"
        self.address = f"{pages.schemas[page]['$id']}#{anchor}"
        self.pages, self.page, self.anchor = pages, page, anchor

    def violations(self, value: Any) -> list[Violation]:
        """Each place where a value breaks the schema; empty when it keeps it.

        Args:
            value: what `json.loads` gives: dict, list, str, int, float, bool or None.
        """
        if self._verdict is not None:
            try:
                if self._verdict(value):
                    return []
            except (ValueError, OverflowError):
                pass  # a number that Rust cannot hold: jsonschema can
        return [v for error in self._slow.iter_errors(value) for v in _violations(error)]

    @cached_property
    def _slow(self) -> Draft202012Validator:
        return self.pages.validator(self.address)

    @cached_property
    def _verdict(self) -> Callable[[Any], bool] | None:
        if fast is None:
            return None
        return fast.Draft202012Validator(
            {"$ref": self.address}, validate_formats=True, formats=self._formats, registry=self.pages.fast_registry
        ).is_valid


def _violations(error: ValidationError) -> Iterator[Violation]:
    """What one error of jsonschema says, without repeating a value: it may be a secret."""
    path = [str(step) for step in error.absolute_path]
    schema = error.schema if isinstance(error.schema, dict) else {}
    rule: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "required":
        # jsonschema reports each missing name by itself, and puts the name into its message alone
        missing = [name for name in rule if error.message.startswith(repr(name))]
        yield from (_violation([*path, name], BLANK) for name in missing)
    elif error.validator == "additionalProperties" and rule is False:
        known = tuple(schema.get("properties", ()))
        extra = [name for name in value if name not in known]
        yield from (_violation([*path, name], UNKNOWN, known) for name in extra)
    elif error.validator == "anyOf" and (inner := _meant(error)):
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


def _meant(error: ValidationError) -> list[ValidationError]:
    """Of several schemas one of which should hold, what breaks the only one that takes values of this type at all."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        errors for errors in branches.values() if not any(e.validator == "type" and not e.relative_path for e in errors)
    ]
    return fitting[0] if len(fitting) == 1 else []


def _violation(path: Sequence[str], words: str, known: tuple[str, ...] = ()) -> Violation:
    return Violation(pointer_to(path), ".".join(path) or None, words, known)


def _format_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, is_valid in FORMATS.items():

        def check(value: object, is_valid: Callable[[str], bool] = is_valid) -> bool:
            return not isinstance(value, str) or is_valid(value)

        checker.checkers[name] = (check, ())
    return checker


def _pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """A pattern as JSON Schema has it: at its end `$` is the end of the text, not also a line break before that."""
    if validator.is_type(value, "string") and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]  # jsonschema does not type it
    Draft202012Validator, {"pattern": _pattern}
)


def validators_of(schemas: Mapping[str, Mapping[str, Any]]) -> Callable[[str], Draft202012Validator]:
    """A way to the validator of each address in a set of schemas.

    Args:
        schemas: `$id` to schema.

    Returns:
        A function from an address, `$id#anchor`, to its validator, formats included.
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
        part: of which part of the contract they are.
    """

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], part: str = API) -> None:
        self.schemas = schemas
        self.part = part

    @cached_property
    def validator(self) -> Callable[[str], Draft202012Validator]:
        """The way to the validators that say what is wrong."""
        return validators_of({schema["$id"]: schema for schema in self.schemas.values()})

    @cached_property
    def fast_registry(self) -> jsonschema_rs.Registry:
        """The same schemas, for the fast validator, where there is one."""
        assert fast is not None
        return fast.Registry([(schema["$id"], dict(schema)) for schema in self.schemas.values()])


def missing(names: Iterable[str], fields: Mapping[str, Any]) -> list[Violation]:
    """That each of some parameters is missing, if it is."""
    return [_violation([name], BLANK) for name in names if name not in fields]


def by_field(violations: Iterable[Violation]) -> dict[str, list[str]]:
    """Violations as Flowdock's `errors` map: field to what is wrong with it, each said once."""
    errors: dict[str, list[str]] = {}
    for violation in violations:
        words = errors.setdefault(violation.field or "", [])
        if violation.message not in words:
            words.append(violation.message)
    return errors
