"""How strict a check is: whether what the docs advise against is a violation, by rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast, get_args

from ..suggestions import did_you_mean, nearest
from .errors import NO_STRICT, NO_SUCH_CHOICE, NO_SUCH_RULE

Choice = Literal["ignore", "warn", "error"]
CHOICES = get_args(Choice)

# The rules whose warnings a strict check makes violations.
Advice = Literal[
    "request.parameter.unknown",
    "request.parameter.number",
    "request.content-type.missing",
    "request.route.obsolete",
    "request.deprecated",
    "request.secret-in-url",
    "request.plain-http",
]
ADVICE: tuple[str, ...] = get_args(Advice)
Strict = bool | Mapping[Advice, Choice]


def check_strict(strict: object) -> None:
    """Raise ValueError unless it is a boolean, or a mapping of rules to `ignore`, `warn` or `error`."""
    if isinstance(strict, bool):
        return
    if not isinstance(strict, Mapping):
        raise ValueError(NO_STRICT.format(given=strict))
    for rule, choice in strict.items():
        if rule not in ADVICE:
            hint = did_you_mean(nearest(str(rule), ADVICE), f": expected {', '.join(ADVICE)}")
            raise ValueError(NO_SUCH_RULE.format(rule=rule, hint=hint))
        if choice not in CHOICES:
            raise ValueError(NO_SUCH_CHOICE.format(given=choice, rule=rule))


def choice_of(strict: Strict, rule: str) -> Choice:
    """Return what happens to findings of a rule. In a mapping, `error` is what is not listed."""
    if isinstance(strict, bool):
        return "error" if strict else "warn"
    return strict.get(cast("Advice", rule), "error")
