"""A bot with flowdock-api-wrapper. Each line that it prints is a JSON list: what happened, and more about it."""

import json
import os

import flowdock


def tell(*said):
    print(json.dumps(said), flush=True)


if "FLOWDOCK_STREAM_URL" in os.environ:
    flowdock.API = os.environ["FLOWDOCK_API_URL"]
    flowdock.STREAM = os.environ["FLOWDOCK_STREAM_URL"].removesuffix("/flows")
flow = flowdock.connect(token=os.environ["API_TOKEN"], org="example", flow="main")
while True:
    for event in flow.events():
        tell("message", event)
        if event["content"] == "Ada ping":
            flow.send("pong", thread_id=event["thread_id"])
    tell("disconnected")
