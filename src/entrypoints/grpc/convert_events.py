"""Events of a run as messages: one table, so that a new kind cannot be forgotten silently."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from domain.retrieval.passage import Place
from domain.runs import event as domain
from entrypoints.grpc.convert import cancel_reason, decision, termination_reason, timestamp
from obelisk.v1 import run_pb2


def run_event(value: domain.RunEvent) -> run_pb2.RunEvent:
    """The event with its place in the log."""
    message = run_pb2.RunEvent(sequence=value.sequence, create_time=timestamp(value.create_time))
    _fill(message, value.kind)
    return message


def _fill(message: run_pb2.RunEvent, kind: domain.EventKind) -> None:
    match kind:
        case domain.TokenBatch():
            message.token_batch.text = kind.text
        case domain.RunQueued():
            message.queued.MergeFrom(run_pb2.RunQueued(run_id=str(kind.run_id), agent=kind.agent))
        case domain.RunStarted():
            message.started.MergeFrom(
                run_pb2.RunStarted(chat_model=kind.chat_model, attempt=kind.attempt)
            )
        case domain.StageTimed():
            message.stage_timed.MergeFrom(_stage_timed(kind))
        case domain.SourcesRetrieved():
            message.sources_retrieved.MergeFrom(_sources(kind))
        case domain.ToolCalled():
            message.tool_called.MergeFrom(
                run_pb2.ToolCalled(
                    call_id=kind.call_id, tool=kind.tool, arguments_json=kind.arguments_json
                )
            )
        case domain.ToolReturned():
            message.tool_returned.MergeFrom(_tool_returned(kind))
        case domain.Drafted():
            message.drafted.MergeFrom(
                run_pb2.Drafted(text=kind.text, cited_sources=kind.cited_sources)
            )
        case domain.WarningRaised():
            message.warning_raised.MergeFrom(
                run_pb2.WarningRaised(reason=kind.reason, message=kind.message)
            )
        case domain.UsageRecorded():
            message.usage_recorded.MergeFrom(_usage(kind))
        case domain.RunPaused():
            paused = run_pb2.RunPaused(pause_id=kind.pause_id, prompt=kind.prompt)
            message.paused.MergeFrom(paused)
        case domain.RunResumed():
            message.resumed.MergeFrom(_resumed(kind))
        case domain.DraftDiscarded():
            message.draft_discarded.MergeFrom(run_pb2.DraftDiscarded(characters=kind.characters))
        case domain.RunCompleted():
            message.completed.MergeFrom(_completed(kind))


def _resumed(kind: domain.RunResumed) -> run_pb2.RunResumed:
    return run_pb2.RunResumed(
        pause_id=kind.pause_id,
        decision=decision(kind.decision),
        note=kind.note,
        user_id=str(kind.user_id),
    )


def _completed(kind: domain.RunCompleted) -> run_pb2.RunCompleted:
    return run_pb2.RunCompleted(
        reason=termination_reason(kind.reason),
        detail=kind.detail,
        cancel_reason=cancel_reason(kind.cancel_reason),
    )


def _stage_timed(kind: domain.StageTimed) -> run_pb2.StageTimed:
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=kind.seconds))
    return run_pb2.StageTimed(stage=kind.stage, duration=duration, degraded=kind.degraded)


def _tool_returned(kind: domain.ToolReturned) -> run_pb2.ToolReturned:
    return run_pb2.ToolReturned(
        call_id=kind.call_id,
        tool=kind.tool,
        result_json=kind.result_json,
        failure=kind.failure,
    )


def _usage(kind: domain.UsageRecorded) -> run_pb2.UsageRecorded:
    return run_pb2.UsageRecorded(
        model=kind.model,
        prompt_tokens=kind.prompt_tokens,
        completion_tokens=kind.completion_tokens,
    )


def _sources(kind: domain.SourcesRetrieved) -> run_pb2.SourcesRetrieved:
    return run_pb2.SourcesRetrieved(
        sources=[_source(source) for source in kind.sources],
        degraded_streams=kind.degraded_streams,
    )


def _source(source: domain.Source) -> run_pb2.Source:
    return run_pb2.Source(
        number=source.number,
        document_id=str(source.document_id),
        chunk_id=str(source.chunk_id),
        title=source.title,
        filename=source.filename,
        section_path=source.section_path,
        page=source.page or 0,
        text=source.text,
        streams=source.streams,
        version=source.version,
        span_start=source.span[0],
        span_end=source.span[1],
        also_in=[source_place(place) for place in source.also_in],
    )


def source_place(place: Place) -> run_pb2.SourcePlace:
    """Where a text stands."""
    return run_pb2.SourcePlace(
        document_id=str(place.document_id),
        chunk_id=str(place.chunk_id),
        title=place.title,
        filename=place.filename,
        section_path=place.section_path,
        page=place.page or 0,
        version=place.version,
        span_start=place.span[0],
        span_end=place.span[1],
    )
