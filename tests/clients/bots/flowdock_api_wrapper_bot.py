"""A bot with flowdock-api-wrapper. It tells what happens, and more about it; as a program, in a line of JSON each."""

import json
import os

import flowdock


def run(tell):
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


if __name__ == "__main__":
    run(lambda *said: print(json.dumps(said), flush=True))
