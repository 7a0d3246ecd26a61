"""Rows of runs as the domain has them."""

import asyncpg

from domain.identifiers import ConversationId
from domain.runs.pause import Pause
from domain.runs.run import CancelReason, Question, Run, RunState, TerminationReason


def run_of(row: asyncpg.Record) -> Run:
    """A whole row of `obelisk.runs`."""
    conversation, reason = row["conversation_id"], row["termination_reason"]
    cancel_reason = row["cancel_reason"]
    return Run(
        run_id=row["run_id"],
        space_id=row["space_id"],
        user_id=row["user_id"],
        question=Question(
            agent=row["agent"],
            text=row["question"],
            conversation_id=ConversationId(conversation) if conversation else None,
            document_ids=tuple(row["document_ids"]),
        ),
        state=RunState(row["state"]),
        termination_reason=TerminationReason(reason) if reason else None,
        last_sequence=row["last_sequence"],
        fence=row["fence"],
        cancel_requested=row["cancel_requested"],
        create_time=row["create_time"],
        end_time=row["end_time"],
        attempts=row["attempts"],
        cancel_reason=CancelReason(cancel_reason) if cancel_reason else None,
        worker_id=row["worker_id"] if row["state"] == "running" else None,
        require_approval=row["require_approval"],
        pause=Pause(pause_id=row["pause_id"], prompt=row["pause_prompt"], since=row["pause_time"])
        if row["pause_id"]
        else None,
    )
