"""The domain's values as messages."""

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from domain.agents.chat import Role
from domain.agents.definition import AgentDefinition
from domain.conversations.conversation import Conversation, Message
from domain.runs.pause import Decision
from domain.runs.run import CancelReason, Run, RunState, TerminationReason
from domain.tenancy.organization import Organization
from domain.tenancy.settings import SpaceSettings
from domain.tenancy.space import Space
from obelisk.v1 import agent_pb2, conversation_pb2, run_pb2, tenancy_pb2

_RUN_STATES = {
    RunState.QUEUED: run_pb2.RUN_STATE_QUEUED,
    RunState.RUNNING: run_pb2.RUN_STATE_RUNNING,
    RunState.PAUSED: run_pb2.RUN_STATE_PAUSED,
    RunState.ENDED: run_pb2.RUN_STATE_ENDED,
}
_REASONS = {
    TerminationReason.COMPLETE: run_pb2.TERMINATION_REASON_COMPLETE,
    TerminationReason.MAX_ITERATIONS: run_pb2.TERMINATION_REASON_MAX_ITERATIONS,
    TerminationReason.CONTAMINATED: run_pb2.TERMINATION_REASON_CONTAMINATED,
    TerminationReason.TOOL_FAILED: run_pb2.TERMINATION_REASON_TOOL_FAILED,
    TerminationReason.CANCELLED: run_pb2.TERMINATION_REASON_CANCELLED,
    TerminationReason.DEADLINE: run_pb2.TERMINATION_REASON_DEADLINE,
    TerminationReason.BUDGET: run_pb2.TERMINATION_REASON_BUDGET,
    TerminationReason.REFUSED: run_pb2.TERMINATION_REASON_REFUSED,
    TerminationReason.ERROR: run_pb2.TERMINATION_REASON_ERROR,
    TerminationReason.ATTEMPTS: run_pb2.TERMINATION_REASON_ATTEMPTS,
    TerminationReason.REJECTED: run_pb2.TERMINATION_REASON_REJECTED,
    TerminationReason.EXPIRED: run_pb2.TERMINATION_REASON_EXPIRED,
}
_CANCEL_REASONS = {
    None: run_pb2.CANCEL_REASON_UNSPECIFIED,
    CancelReason.USER: run_pb2.CANCEL_REASON_USER,
    CancelReason.SUPERSEDED: run_pb2.CANCEL_REASON_SUPERSEDED,
    CancelReason.DEADLINE: run_pb2.CANCEL_REASON_DEADLINE,
    CancelReason.BUDGET: run_pb2.CANCEL_REASON_BUDGET,
    CancelReason.SHUTDOWN: run_pb2.CANCEL_REASON_SHUTDOWN,
    CancelReason.EXPIRED: run_pb2.CANCEL_REASON_EXPIRED,
}
_DECISIONS = {
    Decision.APPROVE: run_pb2.DECISION_APPROVE,
    Decision.REJECT: run_pb2.DECISION_REJECT,
}
_ROLES = {
    Role.USER: conversation_pb2.MESSAGE_ROLE_USER,
    Role.ASSISTANT: conversation_pb2.MESSAGE_ROLE_ASSISTANT,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400


def timestamp(time: datetime) -> Timestamp:
    """To the microsecond; `time` has a zone."""
    since = time - _EPOCH
    seconds = since.days * _DAY_SECONDS + since.seconds
    return Timestamp(seconds=seconds, nanos=since.microseconds * 1000)


def page_token(after: UUID | None) -> str:
    """Empty on the last page."""
    return str(after) if after else ""


def termination_reason(reason: TerminationReason) -> run_pb2.TerminationReason.ValueType:
    """The wire's name of an ending."""
    return _REASONS[reason]


def cancel_reason(reason: CancelReason | None) -> run_pb2.CancelReason.ValueType:
    """The wire's name of why a run was stopped; unspecified when it was not."""
    return _CANCEL_REASONS[reason]


def decision(value: Decision) -> run_pb2.Decision.ValueType:
    """The wire's name of what a person decided."""
    return _DECISIONS[value]


def organization(value: Organization) -> tenancy_pb2.Organization:
    return tenancy_pb2.Organization(
        organization_id=str(value.organization_id),
        display_name=value.display_name,
        create_time=timestamp(value.create_time),
    )


def space(value: Space) -> tenancy_pb2.Space:
    return tenancy_pb2.Space(
        space_id=str(value.space_id),
        organization_id=str(value.organization_id),
        display_name=value.display_name,
        create_time=timestamp(value.create_time),
    )


def settings(value: SpaceSettings) -> tenancy_pb2.SpaceSettings:
    voice = value.brand_voice
    return tenancy_pb2.SpaceSettings(
        tone=voice.tone,
        reading_level=voice.reading_level,
        terms_to_use=voice.terms_to_use,
        terms_to_avoid=voice.terms_to_avoid,
        claims_needing_proof=voice.claims_needing_proof,
        facts=value.facts,
        web_hosts=value.web_hosts,
    )


def conversation(value: Conversation) -> conversation_pb2.Conversation:
    return conversation_pb2.Conversation(
        conversation_id=str(value.conversation_id),
        title=value.title,
        create_time=timestamp(value.create_time),
    )


def message(value: Message) -> conversation_pb2.Message:
    return conversation_pb2.Message(
        message_id=str(value.message_id),
        role=_ROLES[value.role],
        content=value.content,
        run_id=str(value.run_id),
        create_time=timestamp(value.create_time),
    )


def agent(value: AgentDefinition) -> agent_pb2.Agent:
    return agent_pb2.Agent(
        name=value.name,
        display_name=value.display_name,
        description=value.description,
        tools=value.plan,
    )


def run(value: Run) -> run_pb2.Run:
    conversation_id, reason = value.question.conversation_id, value.termination_reason
    return run_pb2.Run(
        run_id=str(value.run_id),
        agent=value.question.agent,
        conversation_id=str(conversation_id) if conversation_id else "",
        question=value.question.text,
        state=_RUN_STATES[value.state],
        termination_reason=(_REASONS[reason] if reason else run_pb2.TERMINATION_REASON_UNSPECIFIED),
        last_sequence=value.last_sequence,
        create_time=timestamp(value.create_time),
        end_time=timestamp(value.end_time) if value.end_time else None,
        attempts=value.attempts,
        cancel_reason=cancel_reason(value.cancel_reason),
        pause=run_pb2.RunPaused(pause_id=value.pause.pause_id, prompt=value.pause.prompt)
        if value.pause
        else None,
    )
