"""The operations of docs/admin/messages.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api.operations import NOTHING, Reply, created
from . import entities
from .assertions import View
from .entities import done
from .operations import of_a_world

if TYPE_CHECKING:
    from ..worlds import ServedWorld
    from .operations import OperatorCall

USERS = ("to_user", "from_user")  # of the conversation in which a private message is


@of_a_world("POST messages")
def add_message(call: OperatorCall, world: ServedWorld) -> Reply:
    """Post a message."""
    return created(entities.message(done(call, world, View.add_message), world.store))


@of_a_world("PUT messages/:message")
def update_message(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Edit a message."""
    edited = done(call, world, View.update_message, entities.message_in_path(call, world), without=("flow",))
    return entities.message(edited, world.store)


@of_a_world("DELETE messages/:message")
def remove_message(call: OperatorCall, world: ServedWorld) -> Reply:
    """Delete a message."""
    done(call, world, View.remove_message, entities.message_in_path(call, world), without=("flow",))
    return NOTHING


@of_a_world("POST private-messages")
def add_private_message(call: OperatorCall, world: ServedWorld) -> Reply:
    """Send a private message."""
    return created(entities.message(done(call, world, View.add_private_message), world.store))


@of_a_world("PUT private-messages/:message")
def update_private_message(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Edit a private message."""
    message = entities.private_message_in_path(call, world)
    return entities.message(done(call, world, View.update_message, message, without=USERS), world.store)


@of_a_world("DELETE private-messages/:message")
def remove_private_message(call: OperatorCall, world: ServedWorld) -> Reply:
    """Delete a private message."""
    done(call, world, View.remove_message, entities.private_message_in_path(call, world), without=USERS)
    return NOTHING
