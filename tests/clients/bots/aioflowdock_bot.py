"""A bot with aioflowdock. Each line that it prints is a JSON list: what happened, and more about it."""

import asyncio
import json
import os

from aioflowdock import Session
from aiohttp import ClientSession


def tell(*said):
    print(json.dumps(said), flush=True)


async def main():
    session = Session(os.environ["API_TOKEN"], session=ClientSession(trust_env=True))
    flows, _ = await session.flows()
    stream = session.stream([flow["id"] for flow in flows if flow["open"]], {"active": "idle", "user": 1})
    stream.on("connected", lambda: tell("connected"))
    stream.on("error", lambda *_: tell("disconnected"))  # its end by the server, too
    stream.on("disconnected", lambda error: tell("error", repr(error)))
    stream.on("clientError", lambda error: tell("error", repr(error)))

    @stream.on("message")
    async def message(event):
        tell("message", event)
        if event["content"] == "Ada ping":
            await session.thread_message(event["flow"], event["thread_id"], "pong")

    await stream.connect()
    await asyncio.Event().wait()


asyncio.run(main())
