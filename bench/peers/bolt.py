"""An echo with Bolt for Python over Socket Mode, in its asynchronous form."""

import asyncio
import os

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

API = os.environ["SLACK_API"]
app = AsyncApp(client=AsyncWebClient(token="xoxb-test-0", base_url=API))


@app.event("message")
async def echo(say):
    await say("pong")


async def main():
    handler = AsyncSocketModeHandler(
        app, "xapp-test-0", web_client=AsyncWebClient(token="xoxb-test-0", base_url=API)
    )
    await handler.start_async()


asyncio.run(main())
