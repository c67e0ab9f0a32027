"""Credentials: those of users, sources and applications, and what users have authorized."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..world import factories, naming
from . import credentials
from .world import World

if TYPE_CHECKING:
    from ..world.models import Application, Source, User
    from .credentials import Credentials


class Authorizing(World):
    """A world whose users authorize applications."""

    def as_user(self, user: User | str | None = None) -> Credentials:
        """Return the credentials of a user: their `api_token`. docs/api/authentication.md.

        Pass them to a client: `requests.get(url, **fake_flowdock.as_user())`.

        Args:
            user: a user, or their name, nick or e-mail address. Default: the first user.

        Raises:
            ValueError: the name is unknown, or that of several users.
        """
        return credentials.user(self._user(user))

    def as_source(self, source: Source | str | None = None) -> Credentials:
        """Return the credentials of a source, its `flow_token`.

        Args:
            source: a source or its name. Default: the first source.

        Raises:
            ValueError: no source was given, and none exists; or the name is unknown, or that of several sources.
        """
        if isinstance(source, str):
            return credentials.source(naming.source_called(self._store, source))
        return credentials.source(source or self._first("source"))

    def as_application(
        self, application: Application | str | None = None, *, user: User | str | None = None, scope: str | None = None
    ) -> Credentials:
        """Return the credentials of an application: a new access token of a user.

        Args:
            scope: as for `access_token`.

        Raises:
            ValueError: a scope is unknown.
        """
        known = self._application(application)
        return credentials.application(known.name, self.access_token(user=user, application=known, scope=scope))

    def access_token(
        self,
        *,
        user: User | str | None = None,
        application: Application | str | None = None,
        scope: str | None = None,
        expires_in: float | timedelta | None = None,
    ) -> str:
        """Return an OAuth access token, as if the user had authorized the application. docs/api/oauth.md.

        Args:
            scope: scopes separated by spaces, `"flow integration"`. Default: every scope. Empty: Flowdock's default
                scopes.
            expires_in: its lifetime, in seconds or as a timedelta. Default: it does not expire.

        Raises:
            ValueError: a scope is unknown.
        """
        if expires_in is not None and not isinstance(expires_in, timedelta):
            expires_in = timedelta(seconds=expires_in)
        return factories.add_access_token(
            self._store, user or self.user, application or self.application, scope, expires_in
        ).access_token

    def authorize(
        self,
        *,
        user: User | str | None = None,
        application: Application | str | None = None,
        scope: str | None = None,
        redirect_uri: str | None = None,
    ) -> str:
        """Return an authorization code, as if the user had clicked Authorize. docs/api/oauth.md#request-tokens.

        Args:
            scope: as for `access_token`.
            redirect_uri: as sent in the authorization request. The exchange must then send it too.

        Raises:
            ValueError: a scope is unknown, or the redirect URI is not the application's.
        """
        return factories.add_code(
            self._store, user or self.user, application or self.application, scope, redirect_uri
        ).code

    def _application(self, application: Application | str | None) -> Application:
        if isinstance(application, str):
            return naming.application_called(self._store, application)
        return application or self.application

    def revoke(self, access_token: str) -> None:
        """Revoke an access token, and everything else issued for the same consent.

        Raises:
            ValueError: the access token is unknown.
        """
        factories.revoke(self._store, access_token)

    def revoke_application(
        self, application: Application | str | None = None, *, user: User | str | None = None
    ) -> None:
        """Revoke everything that users have granted an application. They can authorize it again; its sources stay.

        Args:
            user: only what this user granted. Default: all users.
        """
        factories.revoke_application(self._store, application or self.application, user)
