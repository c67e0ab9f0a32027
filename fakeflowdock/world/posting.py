"""Posting: create a message of a flow, with its thread, tags and files. docs/api/messages.md."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..contract.errors import ValidationError
from ..contract.validation import BLANK
from . import html as markup
from . import tagging
from . import uploads as files
from .bound import maker_of
from .html_limits import too_complex
from .models import Message, counts_of
from .random_ids import short, thread_id_of
from .threads import new_thread
from .values import Author, Field, Mail, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from .models import Flow, Source, Thread, User
    from .store import Store
    from .values import File

INBOX = ("activity", "discussion")  # sent by a source; always in a thread
THREADLESS = ("status", "action")
new_message = maker_of(Message)


@dataclass(slots=True)  # not frozen, because creating one would take five times as long
class Post:
    """A message to be posted to a flow.

    Attributes:
        fields: the parameters, already validated against the page.
        user, source: the sender; both None for the push API.
        thread: the thread in the path.
        parent: the commented message.
    """

    store: Store
    flow: Flow
    event: str
    fields: Mapping[str, Any] = field(repr=False)
    user: User | None = None
    source: Source | None = None
    thread: Thread | None = None
    parent: Message | None = None

    def send(self) -> Message:
        """Post the message.

        Raises:
            ValidationError: the parameters contradict each other or the world. Nothing is stored.
        """
        return self.kept(*self.prepared())

    def prepared(self) -> tuple[Thread | None, list[File]]:
        """Validate the message, and return its existing thread and its files. Stores nothing.

        Raises:
            ValidationError: the parameters contradict each other or the world.
        """
        errors: dict[str, list[str]] = {}
        uploads = files.uploads(self.event, self.fields, errors)
        thread = self._known_thread(errors)
        if thread is None:
            self._check_new_thread(errors)
        for name, text in self._html():
            if (reason := too_complex(text)) is not None:
                errors[name] = [reason]
        if (reason := tagging.too_many(self.fields.get("tags"))) is not None:
            errors["tags"] = [reason]
        if errors:
            raise ValidationError(errors)
        return thread, uploads

    def _html(self) -> Iterator[tuple[str, str]]:
        """Yield each HTML parameter with its name in errors."""
        if self.event == "mail":
            yield "content", self.fields["content"]
        if self.event in INBOX:
            yield "title", self.fields["title"]
            yield "body", self.fields.get("body", "")
        if (state := self.fields.get("thread")) is None:
            return
        yield "thread.title", state.get("title", "")
        yield "thread.body", state.get("body", "")
        for each in state.get("fields", ()):
            yield "thread.fields.value", each["value"]

    def kept(self, thread: Thread | None, uploads: list[File]) -> Message:
        """Store the message, with the result of `prepared`."""
        store, fields = self.store, self.fields
        sent = store.tick()
        number = store.next_id(f"message {self.flow.id}")
        if thread is not None:
            state = _state(fields["thread"]) if "thread" in fields else {}
            thread = thread.counting(self.event, 1, updated_at=sent, **state)
            message = store.archive.add(self._message(number, sent, thread.id, uploads), thread)
        elif self.event in THREADLESS:
            message = store.archive.add(self._message(number, sent, None, uploads))
        else:
            thread_id = thread_id_of(store.draw("thread"))
            if self.event != "message" or self.parent is not None or "external_thread_id" in fields:
                thread = self._new_thread(thread_id, number, sent, uploads)
            message = store.archive.begin(self._message(number, sent, thread_id, uploads), thread)
        store.emit(message)
        return message

    # Threads

    def _known_thread(self, errors: dict[str, list[str]]) -> Thread | None:
        """Return the existing thread, if one is named."""
        external_id = self.fields.get("external_thread_id")
        if self.event in THREADLESS:
            if self.thread is not None or not {"thread_id", "external_thread_id", "thread"}.isdisjoint(self.fields):
                errors["event"] = [ValidationError.NO_THREADS.format(event=self.event)]
            return None
        thread = self.thread
        archive = self.store.archive
        if thread is None and self.parent is not None and self.parent.thread_id is not None:
            thread = archive.of(self.flow.id).threads[self.parent.thread_id]
            if self.fields.get("thread_id", thread.id) != thread.id:
                errors["thread_id"] = [ValidationError.THREAD_OF_ANOTHER]
        elif thread is None and "thread_id" in self.fields:
            thread = archive.of(self.flow.id).threads.get(self.fields["thread_id"])
            if thread is None and (external_id is None or self.source is None):
                errors["thread_id"] = [ValidationError.NO_THREAD]
        if external_id is None:
            return thread
        if self.source is None:
            errors["external_thread_id"] = [ValidationError.OF_A_SOURCE]
            return thread
        called = archive.thread_of(self.source.id, external_id)
        if thread is not None and called is not None and called.id != thread.id:
            errors["external_thread_id"] = [ValidationError.OTHER_THREAD]
        if thread is not None and called is None:
            if thread.external_thread_id is not None or thread.source_id not in (None, self.source.id):
                errors["external_thread_id"] = [ValidationError.SECOND_NAME]
            return replace(thread, source_id=self.source.id, external_thread_id=external_id)
        return thread or called

    def _check_new_thread(self, errors: dict[str, list[str]]) -> None:
        if errors or self.event in THREADLESS:
            return
        external = "external_thread_id" in self.fields
        if self.event in INBOX and not external:
            name = "thread_id" if self.source is None else "external_thread_id"
            errors[name] = [BLANK]
        elif external and "thread" not in self.fields:
            errors["thread"] = [ValidationError.NEW_THREAD]
        elif "thread" in self.fields and not external:
            errors["thread"] = [ValidationError.NO_THREAD_ID]

    def _new_thread(self, thread_id: str, number: int, sent: datetime, uploads: list[File]) -> Thread:
        external_id = self.fields.get("external_thread_id")
        state: dict[str, Any] = (
            {"title": self._title(uploads)} if external_id is None else _state(self.fields["thread"])
        )
        state.update(counts_of(self.event))
        return new_thread(
            id=thread_id,
            flow_id=self.flow.id,
            initial_message=number,
            created_at=sent,
            updated_at=sent,
            source_id=None if external_id is None or self.source is None else self.source.id,
            external_thread_id=external_id,
            **state,
        )

    def _title(self, uploads: list[File]) -> str:
        """Return the title of a thread that starts with this message."""
        if self.parent is not None:
            return title_of(self.parent)
        if self.event == "file":
            return uploads[0].file_name
        return str(self.fields["subject" if self.event == "mail" else "content"])

    # The message

    def _message(self, number: int, sent: datetime, thread_id: str | None, uploads: list[File]) -> Message:
        fields, store = self.fields, self.store
        name = fields.get("external_user_name")
        sender_id = None if self.user is None or name is not None else self.user.id
        content = fields["content"] if self.event in ("message", "comment", "status") else None
        body = fields.get("body")
        title = title_of(self.parent) if self.event == "comment" and self.parent is not None else None
        author = fields.get("author") or {}
        return new_message(
            flow_id=self.flow.id,
            id=number,
            event=sys.intern(self.event),
            user_id=sender_id,
            source_id=None if self.source is None else self.source.id,
            sent=sent,
            tags=tagging.tags_of(
                tagging.People(store, self.flow, sender_id),
                self.event,
                fields,
                text=content or "",
                html=body or (fields["content"] if self.event == "mail" else ""),
                parent=self.parent,
            ),
            app="influx" if self.event in (*INBOX, "mail") else "chat",
            uuid=fields["uuid"] if "uuid" in fields else short(store.draw("uuid")),
            thread_id=thread_id,
            content=content,
            title=markup.inline(fields["title"]) if self.event in INBOX else title,
            body=None if body is None else markup.block(body),
            author=Author(author["name"], author.get("email"), author.get("avatar")) if self.event in INBOX else None,
            attachments=tuple(replace(file, file_token=short(store.draw("file"))) for file in uploads),
            mail=_mail(fields) if self.event == "mail" else None,
            parent_id=None if self.parent is None else self.parent.id,
            external_user_name=name,
            event_id=store.next_id("event"),
        )


def announce(store: Store, source: Source) -> Message:
    """Post the message that a source was added."""
    flow, creator = store.flows[source.flow_id], store.users[source.creator_id]
    application = store.applications[source.application_id]
    number = store.next_id(f"message {flow.id}")
    name = markup.escaped(source.name)
    thread = new_thread(
        id=thread_id_of(store.draw("thread")),
        flow_id=flow.id,
        title=f"{markup.escaped(application.name)} source {name} added",
        initial_message=number,
        created_at=source.created_at,
        updated_at=source.created_at,
        source_id=source.id,
        activities=1,
    )
    message = new_message(
        flow_id=flow.id,
        id=number,
        event="activity",
        user_id=None,
        source_id=source.id,
        sent=source.created_at,
        tags=(),
        app="influx",
        thread_id=thread.id,
        title=f"added source {name}",
        author=Author(creator.name, avatar=creator.avatar),
        event_id=store.next_id("event"),
    )
    store.emit(store.archive.begin(message, thread))
    return message


def _state(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new state of a thread. Omitted values are removed. docs/api/threads.md#thread-state."""
    status = given.get("status")
    return {
        "title": markup.inline(given["title"]),
        "body": markup.block(given["body"]) if "body" in given else None,
        "external_url": given.get("external_url"),
        "status": None if status is None else Status(status.get("value"), status.get("color")),
        "actions": tuple(_action(action) for action in given.get("actions", ())),
        "fields": tuple(Field(each["label"], markup.inline(each["value"])) for each in given.get("fields", ())),
    }


def _action(given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: given[name] for name in ("@type", "name", "description", "image") if name in given}
    if given["@type"] == "ViewAction":
        kept["url"] = given["url"]
    else:
        kept["target"] = {name: given["target"][name] for name in ("@type", "urlTemplate", "httpMethod")}
    return kept


def _mail(fields: Mapping[str, Any]) -> Mail:
    optional = {name: fields.get(name) for name in ("from_name", "reply_to", "project", "link")}
    content = markup.block(fields["content"])
    return Mail(fields["subject"], content, fields["source"], fields["from_address"], **optional)


def title_of(message: Message) -> str:
    """Return the title of a message for references."""
    if message.mail is not None:
        return message.mail.subject
    if message.event == "file":
        return message.attachments[0].file_name
    return message.content if message.content is not None else message.title or ""
