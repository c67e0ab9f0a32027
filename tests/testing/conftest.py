"""Fixtures of the tests of what a test author does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.receiving import Receiver, post_pull

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock


@pytest.fixture
def receiver(fake_flowdock: FakeFlowdock) -> Receiver:
    """An integration that knows the first user. The thread of the guide is there."""
    post_pull(fake_flowdock)
    return Receiver(fake_flowdock.application.client_secret, str(fake_flowdock.user.id))
