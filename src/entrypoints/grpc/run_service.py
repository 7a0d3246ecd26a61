"""RunService on the wire: every stream is a tail of one use case, `WatchRun`."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from application.runs.cancel import CancelRun
from application.runs.read import ReadRuns
from application.runs.resume import ResumeRun
from application.runs.start import StartRun
from application.runs.watch import WatchRun
from domain.identifiers import RunId
from domain.paging import page_request
from entrypoints.grpc import convert
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import (
    decision_of,
    double_text_of,
    question_of,
    request_id_of,
    uuid_of,
)
from entrypoints.grpc.watch_messages import WatchMessages, started
from obelisk.v1 import run_pb2 as pb
from obelisk.v1 import run_pb2_grpc


class RunService(run_pb2_grpc.RunServiceServicer):
    def __init__(
        self,
        *,
        start: StartRun,
        watch: WatchRun,
        cancel: CancelRun,
        resume: ResumeRun,
        read: ReadRuns,
    ) -> None:
        self._start = start
        self._watch = watch
        self._cancel = cancel
        self._resume = resume
        self._read = read
        self._messages = WatchMessages()

    async def StartRun(
        self, request: pb.StartRunRequest, context: Context
    ) -> AsyncIterator[pb.StartRunResponse]:
        # A place first: a run that is accepted can be watched.
        with self._watch.place(request_context()):
            run = await self._start(
                request_context(),
                question=question_of(request),
                request_id=request_id_of(request),
                double_text=double_text_of(request),
                require_approval=request.require_approval,
            )
            async with aclosing(self._watch.of(run)) as told:
                async for item in told:
                    yield started(item)

    async def WatchRun(
        self, request: pb.WatchRunRequest, context: Context
    ) -> AsyncIterator[pb.WatchRunResponse]:
        run_id = _run(request.run_id)
        watched = self._watch(request_context(), run_id=run_id, after=request.after_sequence)
        async with aclosing(watched) as told:
            async for item in told:
                yield self._messages.of(run_id, item)

    async def CancelRun(
        self, request: pb.CancelRunRequest, context: Context
    ) -> pb.CancelRunResponse:
        run = await self._cancel(request_context(), run_id=_run(request.run_id))
        return pb.CancelRunResponse(run=convert.run(run))

    async def ResumeRun(
        self, request: pb.ResumeRunRequest, context: Context
    ) -> pb.ResumeRunResponse:
        run = await self._resume(
            request_context(),
            run_id=_run(request.run_id),
            pause_id=request.pause_id,
            decision=decision_of(request),
            note=request.note,
        )
        return pb.ResumeRunResponse(run=convert.run(run))

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        run = await self._read.get(request_context(), run_id=_run(request.run_id))
        return pb.GetRunResponse(run=convert.run(run))

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        page = page_request(request.page_size, request.page_token)
        found = await self._read.list(request_context(), page=page)
        return pb.ListRunsResponse(
            runs=[convert.run(item) for item in found.items],
            next_page_token=convert.page_token(found.next_after),
        )


def _run(text: str) -> RunId:
    return RunId(uuid_of(text, "run_id"))
