"""Change, remove and multiply what a world has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..world import changing, populating
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..world.invitations import Invitation
    from ..world.models import Application, Flow, Message, Organization, Source, User


class Changing(World):
    """A world whose entities change as by Flowdock's own operations: with the same rules, and events on streams."""

    def update_organization(self, organization: Organization | str, *, name: str) -> Organization:
        """Rename an organization. Returns the updated organization.

        Raises:
            ValueError: the organization is unknown, or the name is invalid.
        """
        return self._bound(changing.update_organization(self._store, organization, name))

    def remove_organization(self, organization: Organization | str) -> Organization:
        """Archive all flows of an organization and remove its users. Their accounts stay, and so does its name.

        Raises:
            ValueError: the organization is unknown.
        """
        return self._bound(changing.remove_organization(self._store, organization, self.user))

    def update_user(
        self,
        user: User | str,
        *,
        name: str | None = None,
        nick: str | None = None,
        email: str | None = None,
        website: str | None = None,
        avatar: str | None = None,
        password: str | None = None,
        sso_name: str | None = None,
    ) -> User:
        """Change a user, as if they had edited their profile. Omitted values stay. Returns the updated user.

        Args:
            user: a user, or their name, nick or e-mail address.
            sso_name: who the user is for Single Sign-On. An empty one removes it.

        Raises:
            ValueError: the user is unknown, the e-mail address or SSO name is taken, or a value is invalid.
        """
        given = {"name": name, "nick": nick, "email": email, "website": website, "avatar": avatar}
        given |= {"password": password, "sso_name": sso_name}
        return self._bound(changing.update_user(self._store, user, given))

    def remove_user(self, user: User | str, *, organization: Organization | str | None = None) -> User:
        """Remove a user from an organization and its flows, as its administrator does. The account stays.

        Args:
            organization: default: all organizations of the user.

        Raises:
            ValueError: the user or the organization is unknown, or the user does not belong to it.
        """
        return self._bound(changing.remove_user(self._store, user, organization, self.user))

    def update_flow(
        self,
        flow: Flow | str,
        *,
        name: str | None = None,
        access_mode: str | None = None,
        disabled: bool | None = None,
    ) -> Flow:
        """Rename a flow, change its access mode, or archive it. Omitted values stay. Returns the updated flow.

        Args:
            access_mode: `invitation`, `link` or `organization`.
            disabled: whether the flow is archived. Then its members no longer see it.

        Raises:
            ValueError: the flow is unknown, or a value is invalid.
        """
        return self._bound(changing.update_flow(self._store, flow, name, access_mode, disabled))

    def remove_flow(self, flow: Flow | str) -> Flow:
        """Archive a flow: Flowdock cannot delete one. Returns the updated flow.

        Raises:
            ValueError: the flow is unknown.
        """
        return self._bound(changing.update_flow(self._store, flow, None, None, disabled=True))

    def update_member(
        self,
        user: User | str,
        *,
        flow: Flow | str | None = None,
        admin: bool | None = None,
        blocked: bool | None = None,
    ) -> Flow:
        """Make a member an administrator of a flow, or block them, as the first user. Returns the updated flow.

        Raises:
            ValueError: the user or the flow is unknown, or the user is not a member.
        """
        return self._bound(
            changing.update_member(self._store, self._flow(flow), user, self.user, admin=admin, blocked=blocked)
        )

    def remove_member(self, user: User | str, *, flow: Flow | str | None = None) -> Flow:
        """Remove a member from a flow. They stay in its organization. Returns the updated flow.

        Raises:
            ValueError: the user or the flow is unknown, or the user is not a member.
        """
        return self._bound(changing.remove_member(self._store, self._flow(flow), user, self.user))

    def update_application(
        self,
        application: Application | str,
        *,
        name: str | None = None,
        icon_url: str | None = None,
        redirect_uri: str | None = None,
        setup_uri: str | None = None,
        configuration_uri: str | None = None,
    ) -> Application:
        """Change an OAuth application. Omitted values stay. Returns the updated application.

        Raises:
            ValueError: the application is unknown, or a value is invalid.
        """
        given = {"name": name, "icon_url": icon_url, "redirect_uri": redirect_uri}
        given |= {"setup_uri": setup_uri, "configuration_uri": configuration_uri}
        return self._bound(changing.update_application(self._store, application, given))

    def remove_application(self, application: Application | str) -> Application:
        """Disable an application. Its `client_id`, `client_secret` and access tokens are refused, its sources deleted.

        Returns:
            The disabled application. Threads and messages still show it.

        Raises:
            ValueError: the application is unknown.
        """
        return self._bound(changing.remove_application(self._store, application))

    def update_source(
        self,
        source: Source | str,
        *,
        name: str | None = None,
        external_url: str | None = None,
        error_message: str | None = None,
        configuration_url: str | None = None,
    ) -> Source:
        """Change a source. Omitted values stay; an empty `error_message` removes it. Returns the updated source.

        Raises:
            ValueError: the source is unknown or was removed, or a value is invalid.
        """
        given = {"name": name, "external_url": external_url}
        given |= {"error_message": error_message, "configuration_url": configuration_url}
        return self._bound(changing.update_source(self._store, source, given))

    def remove_source(self, source: Source | str) -> Source:
        """Delete a source. Its `flow_token` is answered with 410; its threads stay. Returns the deleted source.

        Raises:
            ValueError: the source is unknown, or was removed already.
        """
        return self._bound(changing.remove_source(self._store, source))

    def update_message(
        self,
        message: Message,
        content: str | None = None,
        *,
        tags: Iterable[str] | None = None,
        user: User | str | None = None,
    ) -> Message:
        """Edit a message of a flow or a private one. Omitted values stay. Returns the updated message.

        Args:
            content: the text of a message or a comment.
            tags: all its tags. Default: those that the old content did not name.
            user: who edits it. Default: its sender, or the first user for other messages.

        Raises:
            ValueError: the message or the user is unknown, or Flowdock would reject the edit.
        """
        editor = None if user is None else self._user(user)
        return self._bound(changing.update_message(self._store, message, content, tags, editor))

    def remove_message(self, message: Message, *, user: User | str | None = None) -> None:
        """Delete a message. A text stays as an empty message; files and messages of the inbox are removed.

        Args:
            user: who deletes it. Default: its sender, or the first user for messages of the inbox.

        Raises:
            ValueError: the message or the user is unknown, the message was removed already, or Flowdock cannot delete
                such a message.
        """
        changing.remove_message(self._store, message, None if user is None else self._user(user))

    def remove_invitation(self, invitation: Invitation | int) -> None:
        """Cancel a pending invitation, as the first user. It is deleted.

        Raises:
            ValueError: the invitation is not pending.
        """
        changing.remove_invitation(self._store, invitation, self.user)

    def populate(self, *, messages: int = 0, users: int = 0, flows: int = 0, sources: int = 0) -> None:
        """Add bulk data. The same calls always add the same data.

        Args:
            messages: how many to post to all flows in turn, by their members and sources, with comments and threads.
            users: how many users to add to the first organization. They join the new flows, or else the first flow.
            flows: how many flows to add to the first organization.
            sources: how many sources to add to all flows in turn.

        Raises:
            ValueError: a number is negative, or not an integer.
        """
        populating.populate(self._store, users=users, flows=flows, sources=sources, messages=messages)
