"""A browser without a screen: what a person does with the consent page, by `requests`."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock, User


class Form(HTMLParser):
    """The form of a page.

    Attributes:
        action: where it is sent.
        fields: name to value, of each input.
        buttons: the values of its submit buttons.
        scopes: what the page says that the application may do.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.scopes: list[str] = []
        self._in_item = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_item = tag == "li"
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "button":
            self.buttons.append(given["value"])

    def handle_data(self, data: str) -> None:
        if self._in_item and data.strip():
            self.scopes.append(data)


class Browser:
    """One browser with its cookies."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers["Connection"] = "close"  # nobody closes the session, and so its connections

    def open(self, url: str, **params: Any) -> requests.Response:
        return self.session.get(urljoin(self.base, url), params=params, timeout=9, allow_redirects=False)

    def decide(self, page: requests.Response, decision: str, **changed: Any) -> requests.Response:
        """Fill in the form of a page and press one of its buttons."""
        form = Form(page.text)
        assert decision in form.buttons
        fields = {**form.fields, "decision": decision, **changed}
        url, headers = urljoin(self.base, form.action), {"Origin": self.base}
        return self.session.post(url, data=fields, headers=headers, timeout=9, allow_redirects=False)

    def authorize(self, page: requests.Response, user: User | None = None) -> requests.Response:
        """Sign in where nobody is, and press Authorize."""
        who = {} if user is None else {"email": user.email, "password": user.password}
        return self.decide(page, "authorize", **who)


def asking(fake: FakeFlowdock, **more: str) -> dict[str, str]:
    """A request for consent by the application that was added last."""
    return {"client_id": fake.applications[-1].client_id, "response_type": "code", **more}
