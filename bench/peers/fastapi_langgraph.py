"""What a competent developer writes in an hour: FastAPI, LangGraph, its Postgres saver, SSE.

The same work as Obelisk's side of `bench/runs.py`: retrieve, think, act, check, think, with two
model calls. It keeps checkpoints after each step; tenants, identity and an event log it has none.

Run as a program with the address of an empty database; prints its URL as JSON when it serves.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypedDict
from uuid import uuid4

import uvicorn
from bench.corpus import passages
from bench.paced_model import PACES, PacedChatModel
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from domain.agents.chat import ChatMessage, ChatRequest, Role, TextDelta

Pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]]

_CHUNKS = 8
_STORED = 200
_DIMENSIONS = 64


class State(TypedDict, total=False):
    question: str
    chunks: list[str]
    notes: str
    findings: str
    checked: bool
    answer: str


class Ask(BaseModel):
    question: str


def build_graph(model: PacedChatModel, pool: Pool) -> "StateGraph[State]":
    """Five nodes; tokens leave through LangGraph's own stream writer."""

    async def write(prompt: str) -> str:
        send = get_stream_writer()
        request = ChatRequest(
            messages=(ChatMessage(role=Role.USER, content=prompt),), temperature=0.0, max_tokens=200
        )
        text = []
        async for chunk in model.stream(request):
            if isinstance(chunk, TextDelta):
                text.append(chunk.text)
                send({"token": chunk.text})
        return "".join(text)

    async def retrieve(state: State) -> State:
        vector = str([1.0 / _DIMENSIONS] * _DIMENSIONS)
        async with pool.connection() as connection:
            found = await connection.execute(
                "select content from chunks order by embedding <=> %s::vector limit %s",
                (vector, _CHUNKS),
            )
            return {"chunks": [row["content"] for row in await found.fetchall()]}

    async def think(state: State) -> State:
        return {"notes": await write("\n".join([*state["chunks"], state["question"]]))}

    async def act(state: State) -> State:
        return {"findings": f"{len(state['notes'].split())} words"}

    async def check(state: State) -> State:
        return {"checked": "ignore all previous instructions" not in state["notes"].lower()}

    async def answer(state: State) -> State:
        return {"answer": await write("\n".join([*state["chunks"], state["findings"]]))}

    graph = StateGraph(State)
    steps = {
        "retrieve": retrieve,
        "think": think,
        "act": act,
        "check": check,
        "again": answer,
    }
    previous = START
    for name, step in steps.items():
        graph.add_node(name, step)
        graph.add_edge(previous, name)
        previous = name
    graph.add_edge(previous, END)
    return graph


def create_app(dsn: str, model: PacedChatModel) -> FastAPI:
    """One route, which answers with server-sent events."""
    state: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        async with AsyncConnectionPool(
            dsn,
            connection_class=AsyncConnection[dict[str, Any]],
            min_size=4,
            max_size=20,
            kwargs=options,
        ) as pool:
            await _fill(pool)
            saver = AsyncPostgresSaver(pool)
            await saver.setup()
            state["graph"] = build_graph(model, pool).compile(checkpointer=saver)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/runs")
    async def run(ask: Ask) -> StreamingResponse:
        async def events() -> AsyncGenerator[str]:
            given = {"question": ask.question}
            config = {"configurable": {"thread_id": str(uuid4())}}
            async for piece in state["graph"].astream(given, config, stream_mode="custom"):
                yield f"data: {json.dumps(piece)}\n\n"
            yield "event: end\ndata: {}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


async def _fill(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("create extension if not exists vector")
        await connection.execute(
            f"create table chunks (content text not null, embedding vector({_DIMENSIONS}) not null)"
        )
        for number, text in enumerate(passages(_STORED)):
            vector = [float((number + axis) % 7) for axis in range(_DIMENSIONS)]
            await connection.execute("insert into chunks values (%s, %s)", (text, str(vector)))


async def _serve(dsn: str, pace: str) -> None:
    model = PacedChatModel(200, PACES[pace])
    config = uvicorn.Config(create_app(dsn, model), port=0, log_level="error", loop="uvloop")
    listener = config.bind_socket()
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
