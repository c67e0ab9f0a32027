"""Secrets, stored by their digests."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from ..redaction import cut
from .copy_on_write import Branching

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, ValuesView


Entity = TypeVar("Entity")


LONGEST = 512  # bytes; digests of longer secrets are not cached


class Secrets(Branching):
    """Secrets of one kind, each mapped to a key.

    A secret is looked up by its digest and then compared in constant time.
    """

    def __init__(self) -> None:
        self._known: MutableMapping[bytes, tuple[bytes, int]] = {}

    def add(self, secret: str, key: int) -> None:
        """Map a secret to a key."""
        raw = _raw(secret)
        self._known[_digest(raw)] = (raw, key)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._known)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    def shown(self, digest: bytes) -> str:
        """Return the secret of a digest, as it may be shown."""
        return cut(self._known[digest][0].decode("utf-8", "replace"))

    def find(self, secret: str) -> int | None:
        """Return the key of a secret, or None."""
        raw = _raw(secret)
        stored, key = self._known.get(_digest(raw), (b"", 0))
        return key if hmac.compare_digest(stored, raw) and key else None


class BySecret(Branching, Generic[Entity]):
    """Entities that are looked up by their secret, oldest first."""

    def __init__(self) -> None:
        self.secrets = Secrets()  # to the positions of the entities
        self._kept: MutableMapping[int, Entity] = {}

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._kept.values())

    def values(self) -> ValuesView[Entity]:
        """Return the entities."""
        return self._kept.values()

    def add(self, secret: str, entity: Entity) -> Entity:
        """Add an entity."""
        position = len(self._kept) + 1
        self._kept[position] = entity
        self.secrets.add(secret, position)
        return entity

    def find(self, secret: str) -> Entity | None:
        """Return the entity with a secret, or None."""
        position = self.secrets.find(secret)
        return self._kept[position] if position else None

    def change(self, secret: str, changed: Entity) -> None:
        """Replace the entity with a secret."""
        position = self.secrets.find(secret)
        assert position is not None
        self._kept[position] = changed


def _raw(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def _digest(raw: bytes) -> bytes:
    return _remembered(raw) if len(raw) <= LONGEST else hashlib.sha256(raw).digest()


@lru_cache(maxsize=256)  # a client sends the same secret with each request
def _remembered(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def digest_of(secret: str) -> bytes:
    """Return the digest by which a secret is looked up."""
    return _digest(_raw(secret))
