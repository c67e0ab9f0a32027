"""Ordinary OAuth libraries walk the whole way: redirect, consent, code, token, source; and refresh, and password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session

from tests.support.browsing import Browser
from tests.support.doors import SOURCES, Door

if TYPE_CHECKING:
    import requests

    from fakeflowdock import Application

CALLBACK = "https://lunch.example.net/callback"
SCOPES: Any = ["flow", "integration"]


@pytest.fixture
def application(flowdock: Door, monkeypatch: pytest.MonkeyPatch) -> Application:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the socket speaks plain HTTP, on this machine
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    return flowdock.fake.add_application(name="Lunch Poll", redirect_uri=CALLBACK)


def ending(session: Any) -> Any:
    """A session whose connections end with each reply: nobody closes it."""
    session.headers["Connection"] = "close"
    return session


def led_back(flowdock: Door, url: str) -> str:
    """Where a user who says yes is led."""
    browser = Browser(flowdock.base)
    return browser.authorize(browser.open(url), flowdock.fake.user).headers["Location"]


def creates_a_source(session: Any, flowdock: Door, application: Application) -> None:
    reply: requests.Response = session.post(f"{flowdock.base}{SOURCES}", json={"name": "Polls"}, timeout=9)
    source = reply.json()
    assert (reply.status_code, len(source["flow_token"])) == (201, 32)
    assert source["application"]["id"] == application.id
    assert source["creator"]["id"] == flowdock.fake.user.id


def test_requests_oauthlib_walks_the_whole_way(flowdock: Door, application: Application) -> None:
    session = ending(OAuth2Session(application.client_id, redirect_uri=CALLBACK, scope=SCOPES))
    url, state = session.authorization_url(f"{flowdock.base}/oauth/authorize")
    location = led_back(flowdock, url)
    assert f"state={state}" in location
    more: dict[str, Any] = {"client_secret": application.client_secret, "include_client_id": True}
    token = session.fetch_token(f"{flowdock.base}/oauth/token", authorization_response=location, **more)
    assert (token["scope"], token["token_type"]) == (SCOPES, "bearer")
    creates_a_source(session, flowdock, application)
    flowdock.fake.advance(token["expires_in"])
    assert session.get(f"{flowdock.base}/sources", timeout=9).status_code == 401
    who: dict[str, Any] = {"client_id": application.client_id, "client_secret": application.client_secret}
    fresh = session.refresh_token(f"{flowdock.base}/oauth/token", **who)
    assert fresh["refresh_token"] != token["refresh_token"]
    creates_a_source(session, flowdock, application)
    with pytest.raises(InvalidGrantError):
        session.fetch_token(f"{flowdock.base}/oauth/token", authorization_response=location, **more)
    assert session.get(f"{flowdock.base}/sources", timeout=9).status_code == 401


def test_requests_oauthlib_takes_an_e_mail_address_and_a_password(flowdock: Door, application: Application) -> None:
    session = ending(OAuth2Session(client=LegacyApplicationClient(application.client_id, scope=SCOPES)))
    user = flowdock.fake.user
    session.fetch_token(
        f"{flowdock.base}/oauth/token",
        username=user.email,
        password=user.password,
        client_secret=application.client_secret,
        include_client_id=True,
    )
    creates_a_source(session, flowdock, application)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_walks_the_whole_way(flowdock: Door, application: Application, method: str) -> None:
    session: Any = ending(
        AuthlibSession(
            application.client_id,
            application.client_secret,
            token_endpoint_auth_method=method,
            redirect_uri=CALLBACK,
            scope=" ".join(SCOPES),
        )
    )
    url, state = session.create_authorization_url(f"{flowdock.base}/oauth/authorize")
    endpoint = f"{flowdock.base}/oauth/token"
    token = session.fetch_token(endpoint, authorization_response=led_back(flowdock, url), state=state)
    creates_a_source(session, flowdock, application)
    flowdock.fake.advance(token["expires_in"])
    assert session.get(f"{flowdock.base}/sources", timeout=9).status_code == 401
    session.refresh_token(endpoint, refresh_token=token["refresh_token"])
    creates_a_source(session, flowdock, application)


def test_authlib_takes_an_e_mail_address_and_a_password(flowdock: Door, application: Application) -> None:
    session = ending(AuthlibSession(application.client_id, application.client_secret, scope=" ".join(SCOPES)))
    user = flowdock.fake.user
    session.fetch_token(f"{flowdock.base}/oauth/token", username=user.email, password=user.password)
    creates_a_source(session, flowdock, application)
