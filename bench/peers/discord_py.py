"""A command that is answered with a fixed text, with discord.py."""

import logging
import os

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

# There are no settings for where Discord is, nor for the compression, which the fake does not have.
Route.BASE = os.environ["DISCORD_API"] + "/v10"
GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY"])


class PlainSocket(DiscordWebSocket):
    DEFAULT_GATEWAY = GATEWAY

    @classmethod
    async def from_client(cls, client, **options):
        return await super().from_client(client, **options, compress=False)

    async def send_as_json(self, data):
        if data.get("op") == self.IDENTIFY:
            data["d"].pop("compress")
        await super().send_as_json(data)


discord.client.DiscordWebSocket = PlainSocket


async def application_info(self):
    """Of the newer path: the fake has only that, and leaves out what nobody needs."""
    info = await self.request(Route("GET", "/applications/@me"))
    unused = {"description": "", "icon": None, "bot_require_code_grant": False, "owner": info["bot"]}
    return unused | info


class Text(discord.TextChannel):
    """A channel without a position, which the fake leaves out as well."""

    __slots__ = ()

    def _update(self, guild, data):
        super()._update(guild, {"position": 0} | data)


class Adapter(AsyncWebhookAdapter):
    """Does not ask for the message that it has just sent, as discord.js does not: the fake shows only a part of it."""

    async def request(self, *args, params=None, **options):
        await super().request(*args, **options)
        return {"interaction": {"id": "0"}}


async_context.set(Adapter())
HTTPClient.application_info = application_info
discord.channel.TextChannel = Text


class Echo(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents.none())
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self):
        # Answers leave without the name that Discord's documents, and so the fake, demand of every request.
        self.http._HTTPClient__session.headers["User-Agent"] = self.http.user_agent
        await self.tree.sync()


client = Echo()


@client.tree.command(name="ping", description="Answer `pong`")
async def ping(interaction: discord.Interaction):
    await interaction.response.send_message("pong", allowed_mentions=discord.AllowedMentions.none())


client.run(os.environ["DISCORD_TOKEN"], log_level=logging.ERROR)
