"""Spaces with conversations in them, for clients to ask in."""

from collections.abc import Callable

from bench.chaos.asking import Place

from entrypoints.cli.spaces import organization_named, space_named
from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2

_SPACES, _CONVERSATIONS = 3, 4


async def furnish(server: str, token: Callable[[], str]) -> tuple[Place, ...]:
    """Make them, through the server."""
    async with ObeliskClient(server, token=token) as client:
        home = await organization_named(client, "Chaos")
        places = []
        for number in range(_SPACES):
            space = await space_named(client, home, f"Space {number}")
            client.space_id = space.space_id
            made = [
                await client.conversations.CreateConversation(
                    conversation_pb2.CreateConversationRequest(), metadata=client.metadata
                )
                for _ in range(_CONVERSATIONS)
            ]
            conversations = tuple(one.conversation.conversation_id for one in made)
            places.append(Place(space_id=space.space_id, conversations=conversations))
            client.space_id = None
    return tuple(places)
