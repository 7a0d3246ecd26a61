"""Obelisk as it is served, with everything on, and a paced model behind its port.

Run as a program with a data folder; prints where it serves, and whose token opens it, as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

import uvloop
from bench.hosting import served
from bench.paced_model import PACES, PacedChatModel

_DOCUMENTS = 40
# The other sides let everybody in at once, so this one does; what is limited is still counted.
_ROOM = {"runs_at_once": 512, "space_running_limit": 512, "space_queue_limit": 512}
# The work is two model calls, of which an enhancer's would be a third.
_CALLS = {"enhancement_budget_ms": 0}


async def _serve(data_dir: str, pace: str) -> None:
    model = PacedChatModel(200, PACES[pace])
    async with served(Path(data_dir), model, _DOCUMENTS, changed={**_ROOM, **_CALLS}) as place:
        said = {"grpc": place.grpc, "rest": place.rest, "token": place.token, "space": place.space}
        print(json.dumps(said), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], sys.argv[2]))
