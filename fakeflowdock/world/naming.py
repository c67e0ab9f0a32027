"""Find entities by what people call them: a name, a nick, an e-mail address, the path of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..redaction import brief
from ..suggestions import did_you_mean, nearest
from . import errors

if TYPE_CHECKING:
    from .models import Application, Message, Source, User
    from .store import Store

ALIASES = ("nick", "email", "parameterized_name")
LISTED = 10


def names_of(store: Store, entity: Any) -> list[str]:
    """Return what an entity may be called. Names of people and flows are not unique, so others follow."""
    names = [entity.name, *(getattr(entity, name) for name in ALIASES if hasattr(entity, name))]
    return [*names, store.path_of(entity)] if hasattr(entity, "join_key") else names


def found(store: Store, kind: str, name: str) -> Any:
    """Return the entity of a kind that has a name.

    Args:
        kind: `organization`, `user`, `flow`, `application` or `source`.

    Raises:
        UnknownName: no entity has the name. The message suggests another.
        ValueError: several have.
    """
    with store.lock:
        if kind == "flow" and (flow := store.flow_named(*_parts(name))) is not None:
            return flow  # the path is the only unique name of a flow
        entities = [*getattr(store, f"{kind}s").values()]
        having = [each for each in entities if name in names_of(store, each)]
        having = having or [each for each in entities if name.casefold() == getattr(each, "email", "").casefold() != ""]
        if len(having) == 1:
            return having[0]
        if having:
            unique = [_unique(store, each, having) for each in having]
            listed = ", ".join(brief(each) for each in unique[:LISTED])
            raise ValueError(errors.AMBIGUOUS_NAME.format(kind=kind, name=brief(name), known=listed))
        names = [known for each in entities for known in reversed(names_of(store, each)) if known]
        shown = [names_of(store, each)[-1 if kind == "flow" else 0] for each in entities[:LISTED]]
        otherwise = f"; known: {', '.join(map(brief, shown))}" if shown else ""
        hint = did_you_mean(nearest(name, names), otherwise)
        raise errors.UnknownName(kind, brief(name), hint)


def user_called(store: Store, name: str) -> User:
    """Return the user with a name, nick or e-mail address. Raises ValueError as `found`."""
    user: User = found(store, "user", name)
    return user


def source_called(store: Store, name: str) -> Source:
    """Return the source with a name. Raises ValueError as `found`."""
    source: Source = found(store, "source", name)
    return source


def application_called(store: Store, name: str) -> Application:
    """Return the application with a name. Raises ValueError as `found`."""
    application: Application = found(store, "application", name)
    return application


def message_saying(store: Store, flow_id: str, content: str) -> Message:
    """Return the first message of a flow with a content or a title. Raises ValueError if none has it."""
    earlier = store.archive.of(flow_id).messages.values()
    message = next((each for each in earlier if content in (each.content, each.title)), None)
    if message is None:
        raise ValueError(errors.NO_CONTENT.format(content=brief(content)))
    return message


def _parts(path: str) -> tuple[str, str]:
    organization, _, flow = path.partition("/")
    return organization, flow


def _unique(store: Store, entity: Any, others: list[Any]) -> str:
    """Return a name that only this one of several entities has, or its id."""
    taken = {name for each in others if each is not entity for name in names_of(store, each)}
    free = [name for name in reversed(names_of(store, entity)) if name and name not in taken]
    return free[0] if free else f"id {entity.id}"
