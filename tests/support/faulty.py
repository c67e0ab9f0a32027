"""Posts that meet a fault, and what a client raises then."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.support.doors import Door, activity

WAITED = 0.6  # seconds that a client waits over a socket where it waits in vain


def post(flowdock: Door, **more: Any) -> requests.Response:
    """What a source posts, in whichever form."""
    return flowdock("POST", "/messages", json=activity(flowdock.fake.sources[0]), **more)


def raised(flowdock: Door, timeout: Any = WAITED) -> requests.RequestException:
    """What the client's library raises over a request."""
    base = flowdock.base
    with pytest.raises(requests.RequestException) as caught:
        requests.post(f"{base}/messages", json=activity(flowdock.fake.sources[0]), timeout=timeout)
    return caught.value
