"""The floor: a bare grpc.aio server that sends the tokens of two model calls, a message a token."""

import asyncio
import json
import sys

import uvloop
from bench.floor import serve_floor
from bench.paced_model import PACES, PacedChatModel


async def _serve(pace: str) -> None:
    async with serve_floor(PacedChatModel(200, PACES[pace]), calls=2) as port:
        print(json.dumps({"grpc": f"127.0.0.1:{port}"}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
