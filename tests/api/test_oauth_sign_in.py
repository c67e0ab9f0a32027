"""Signing in at the consent page: after an error, and as a user of the world without a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browsing import Browser, asking

if TYPE_CHECKING:
    from tests.support.doors import Door

pytestmark = pytest.mark.newest_only
AUTHORIZE = "/oauth/authorize"


@pytest.fixture
def browser(flowdock: Door) -> Browser:
    flowdock.fake.add_application(name="Lunch Poll", redirect_uri="https://lunch.example.net/callback")
    return Browser(flowdock.base)


def inputs(page: str) -> dict[str, str]:
    """The fields that a person sees, by their names."""
    return {each[1]: each[0] for each in re.finditer(r'<input id="(\w+)"[^>]*>', page)}


@pytest.mark.parametrize(("email", "focused"), [("", "email"), ("ada@example.com", "password")])
def test_after_an_error_the_fields_are_invalid_and_the_focus_is_in_the_first_to_fill_in(
    flowdock: Door, browser: Browser, email: str, focused: str
) -> None:
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake))
    assert not [field for field in inputs(asked.text).values() if "autofocus" in field or "aria-" in field]
    again = browser.decide(asked, "authorize", email=email, password="wrong")
    fields = inputs(again.text)
    assert [name for name, field in fields.items() if " autofocus" in field] == [focused]
    for field in fields.values():
        assert 'aria-invalid="true" aria-describedby="problem"' in field
    assert 'role="alert" id="problem">The e-mail address and the password do not match' in again.text


def test_a_click_signs_in_as_a_user_of_the_world(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    grace = fake.add_user(name="Grace <b>")
    asked = browser.open(AUTHORIZE, **asking(fake))
    assert "Grace &lt;b&gt;" in asked.text
    before = browser.session.cookies["fakeflowdock_session"]
    signed_in = browser.decide(asked, f"sign_in_as_{grace.id}", email="", password="")
    assert f"({grace.email})" in signed_in.text
    assert browser.session.cookies["fakeflowdock_session"] != before
    assert "sign_in_as_" not in signed_in.text
    assert "code=" in browser.authorize(signed_in).headers["Location"]
    assert [code.user_id for code in fake._store.codes] == [grace.id]


def test_at_most_eight_users_are_offered(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    others = [fake.add_user() for _ in range(10)]
    asked = browser.open(AUTHORIZE, **asking(fake))
    assert asked.text.count("sign_in_as_") == 8
    assert f'"sign_in_as_{others[-1].id}"' not in asked.text


@pytest.mark.parametrize("decision", ["sign_in_as_", "sign_in_as_999", "sign_in_as_x", "sign_in_as_²", "sign_in_as_-1"])
def test_nobody_signs_in_as_a_user_who_does_not_exist(flowdock: Door, browser: Browser, decision: str) -> None:
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake))
    [token] = re.findall('name="csrf_token" value="([^"]+)"', asked.text)
    fields = {**asking(flowdock.fake), "csrf_token": token, "decision": decision}
    refused = browser.session.post(f"{browser.base}{AUTHORIZE}", data=fields, timeout=9, allow_redirects=False)
    assert (refused.status_code, "Set-Cookie" in refused.headers) == (403, False)
    assert "cannot be trusted" in refused.text
