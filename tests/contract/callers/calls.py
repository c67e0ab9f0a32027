"""Call a server with clients that openapi-python-client generated from its documents."""

import json
import os

from fakeflowdock_admin_api_client import AuthenticatedClient as Operator
from fakeflowdock_admin_api_client.api.assertions import assert_
from fakeflowdock_admin_api_client.api.worlds import make_world
from fakeflowdock_admin_api_client.models import (
    AssertRequest,
    AssertRequestAssertion,
    AssertRequestExpected,
    MakeWorldRequest,
    WorldCredentials,
)
from flowdock_rest_api_client import AuthenticatedClient
from flowdock_rest_api_client.api.sources import create_source
from flowdock_rest_api_client.models import CreateSourceReply, CreateSourceRequest

ready = json.loads(os.environ["READY"])

flowdock = AuthenticatedClient(base_url=ready["url"], token=ready["access_token"])
source = create_source.sync("example", "main", client=flowdock, body=CreateSourceRequest(name="Builds"))
assert isinstance(source, CreateSourceReply)

admin = Operator(base_url=ready["url"], token="none is needed")
world = make_world.sync(client=admin, body=MakeWorldRequest(name="suite-1"))
assert isinstance(world, WorldCredentials)
expected = AssertRequestExpected.from_dict({"name": "Builds", "flow": "example/main"})
body = AssertRequest(assertion=AssertRequestAssertion.SOURCE, expected=expected)
asserted = assert_.sync_detailed("default", client=admin, body=body)

print(json.dumps({"source": source.name, "world": world.name, "asserted": asserted.status_code == 200}))
