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
    return [*_own_names(entity), store.path_of(entity)] if hasattr(entity, "join_key") else _own_names(entity)


def is_called(entity: Any, name: object) -> bool:
    """Return whether an entity has a name, nick or e-mail address, or an id."""
    if type(name) is int:
        return bool(entity.id == name)
    return isinstance(name, str) and (name in _own_names(entity) or _has_address(entity, name))


def check_known(store: Store, kind: str, name: str | int) -> None:
    """Reject what no entity of a kind is called, also no deleted source. Raises UnknownName with a suggestion."""
    entities = [*getattr(store, f"{kind}s").values(), *(store.deleted_sources.values() if kind == "source" else ())]
    if not any(is_called(each, name) for each in entities):
        raise _unknown(store, kind, str(name), entities)


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
        having = having or [each for each in entities if _has_address(each, name)]
        if len(having) == 1:
            return having[0]
        if having:
            unique = [_unique(store, each, having) for each in having]
            listed = ", ".join(brief(each) for each in unique[:LISTED])
            raise ValueError(errors.AMBIGUOUS_NAME.format(kind=kind, name=brief(name), known=listed))
        raise _unknown(store, kind, name, entities)


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


def _own_names(entity: Any) -> list[str]:
    return [entity.name, *(getattr(entity, name) for name in ALIASES if hasattr(entity, name))]


def _has_address(entity: Any, name: str) -> bool:
    return name.casefold() == getattr(entity, "email", "").casefold() != ""


def _unknown(store: Store, kind: str, name: str, entities: list[Any]) -> errors.UnknownName:
    if kind == "source" and any(is_called(each, name) for each in store.deleted_sources.values()):
        return errors.UnknownName(kind, brief(name), errors.WAS_REMOVED)
    names = [known for each in entities for known in reversed(names_of(store, each)) if known]
    shown = [names_of(store, each)[-1 if kind == "flow" else 0] for each in entities[:LISTED]]
    otherwise = f"; known: {', '.join(map(brief, shown))}" if shown else ""
    return errors.UnknownName(kind, brief(name), did_you_mean(nearest(name, names), otherwise))


def _parts(path: str) -> tuple[str, str]:
    organization, _, flow = path.partition("/")
    return organization, flow


def _unique(store: Store, entity: Any, others: list[Any]) -> str:
    """Return a name that only this one of several entities has, or its id."""
    taken = {name for each in others if each is not entity for name in names_of(store, each)}
    free = [name for name in reversed(names_of(store, entity)) if name and name not in taken]
    return free[0] if free else f"id {entity.id}"
