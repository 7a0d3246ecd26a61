"""The judgement: pure, so that forged histories can show that it is able to condemn."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.chaos.history import Deed, Events, History, Story

from obelisk.v1 import conversation_pb2, run_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How often each promise was broken; `broken` says where, a line each."""

    lost: int
    repeated: int
    stuck: int
    repeated_side_effects: int
    failed: int
    wrong_drafts: int
    wrong_messages: int
    doubled_runs: int
    broken: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.broken


def judge(history: History) -> Verdict:
    """Hold everything that was seen against the logs, and the logs against themselves."""
    lost, repeated, stuck, failed, drafts = [], [], [], [], []
    for story in history.stories:
        lost += [*_gaps(story), *_unseen(story)]
        repeated += [line for one in story.sights for line in _again(story, one.name, one.events)]
        repeated += _again(story, "the log", story.log)
        stuck += _unended(story)
        failed += _failed(story)
        drafts += _drafts(story)
    effects = _effects(history)
    messages = _messages(history)
    doubled = _doubled(history)
    return Verdict(
        lost=len(lost),
        repeated=len(repeated),
        stuck=len(stuck),
        repeated_side_effects=len(effects),
        failed=len(failed),
        wrong_drafts=len(drafts),
        wrong_messages=len(messages),
        doubled_runs=len(doubled),
        broken=(*stuck, *lost, *repeated, *effects, *failed, *drafts, *messages, *doubled),
    )


def _gaps(story: Story) -> list[str]:
    """Sequences that the log itself does not have, and what stands where it must not."""
    there = {event.sequence for event in story.log}
    last = max(there, default=0)
    found = [f"{story.tag}: the log has no event {n}" for n in range(1, last + 1) if n not in there]
    if story.log and not story.log[0].HasField("queued"):
        found.append(f"{story.tag}: the log does not begin with the question's acceptance")
    after_the_end = [e for e in story.log[:-1] if e.HasField("completed")]
    return found + [f"{story.tag}: the log goes on after event {e.sequence}" for e in after_the_end]


def _unseen(story: Story) -> list[str]:
    """Events of the log that a watcher was never told, or was told otherwise."""
    found = []
    truth = {event.sequence: event for event in story.log}
    for sight in story.sights:
        seen = {event.sequence: event for event in sight.events}
        where = f"{story.tag}, {sight.name}"
        # What came after a watcher gave up is no loss of its: the run counts as stuck.
        end = sight.cursor if sight.given_up else max(truth, default=0)
        found += [f"{where}: event {n} never came" for n in truth if n not in seen and n <= end]
        found += [
            f"{where}: event {n} is not the log's"
            for n, event in seen.items()
            if event != truth.get(n)
        ]
    return found


def _again(story: Story, who: str, events: Sequence[run_pb2.RunEvent]) -> list[str]:
    """Events that came a second time, or after a later one."""
    found, highest = [], 0
    for event in events:
        if event.sequence <= highest:
            found.append(f"{story.tag}, {who}: event {event.sequence} came after {highest}")
        highest = max(highest, event.sequence)
    return found


def _unended(story: Story) -> list[str]:
    if not story.run_id:
        return [f"{story.tag}: was never accepted"]
    if not story.log or not story.log[-1].HasField("completed"):
        return [f"{story.tag}: run {story.run_id} has not ended"]
    if any(sight.given_up for sight in story.sights):
        return [f"{story.tag}: run {story.run_id} ended too late, or its watchers were not told"]
    return []


def _failed(story: Story) -> list[str]:
    """Nothing is broken that a run could not survive, so none ends as an error."""
    ended = story.log[-1].completed if story.log else None
    if ended and ended.reason == run_pb2.TERMINATION_REASON_ERROR:
        return [f"{story.tag}: run {story.run_id} ended as an error: {ended.detail}"]
    return []


def _drafts(story: Story) -> list[str]:
    """A finished draft is the text of its token batches, those that were taken back left out."""
    found, shown = [], ""
    for event in story.log:
        if event.HasField("token_batch"):
            shown += event.token_batch.text
        elif event.HasField("draft_discarded"):
            said = event.draft_discarded.characters
            if said != len(shown):
                found.append(f"{story.tag}: {said} characters taken back of {len(shown)} shown")
            shown = ""
        elif event.HasField("drafted") and event.drafted.text != shown:
            found.append(f"{story.tag}: event {event.sequence} is not the text that was shown")
    return found


def answer_of(log: Events) -> str | None:
    """The text that a completed run's log ends on; None when it did not complete."""
    complete = run_pb2.TERMINATION_REASON_COMPLETE
    if not log or log[-1].completed.reason != complete:
        return None
    return next((e.drafted.text for e in reversed(log) if e.HasField("drafted")), None)


def _effects(history: History) -> list[str]:
    """Steps whose effect happened more than once."""
    keys: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for deed in history.deeds:
        keys[deed.tag, deed.step].add(deed.key)
    return [
        f"{tag}: {step} took effect {len(known)} times"
        for (tag, step), known in keys.items()
        if len(known) > 1
    ]


def calls_again(deeds: Sequence[Deed]) -> int:
    """Calls that were made again under the key that they had before, and changed nothing."""
    return len(deeds) - len(set(deeds))


def _messages(history: History) -> list[str]:
    """A conversation has each question once and each completed answer once, as it was drafted."""
    found = []
    for conversation, messages in history.messages.items():
        known = {s.run_id: s for s in history.stories if s.conversation_id == conversation}
        said = Counter((m.run_id, m.role) for m in messages)
        found += [
            f"conversation {conversation}: {count} times role {role} of run {run}"
            for (run, role), count in said.items()
            if count > 1 or run not in known
        ]
        for story in known.values():
            found += _spoken(story, messages)
    return found


def _spoken(story: Story, messages: Iterable[conversation_pb2.Message]) -> list[str]:
    mine = [m for m in messages if m.run_id == story.run_id]
    asked = any(m.role == conversation_pb2.MESSAGE_ROLE_USER for m in mine)
    found = [] if asked else [f"{story.tag}: its question is not in the conversation"]
    answer = answer_of(story.log)
    told = [m.content for m in mine if m.role == conversation_pb2.MESSAGE_ROLE_ASSISTANT]
    if answer and told != [answer]:
        found.append(f"{story.tag}: its answer stands {len(told)} times, or differently")
    return found


def _doubled(history: History) -> list[str]:
    """Runs that no client was told of: a question that was asked again was taken for another."""
    known = {story.run_id for story in history.stories}
    return [f"run {run} answers to nobody" for run in history.accepted if run not in known]
