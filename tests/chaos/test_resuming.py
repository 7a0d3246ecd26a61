"""From a kill to the next event: of those whom it touched, and of nobody else."""

from random import Random

from bench.chaos.clients import Clients
from bench.chaos.faults import Kill
from bench.chaos.history import Sight, Story
from bench.chaos.resuming import resumes, silences
from bench.chaos.watching import Broken, Watcher

from obelisk.v1 import run_pb2

STARTED = run_pb2.RunEvent(started=run_pb2.RunStarted())
TOKENS = run_pb2.RunEvent(token_batch=run_pb2.TokenBatch(text="a"))


def _watcher(*heard: tuple[float, run_pb2.RunEvent], broken: tuple[Broken, ...] = ()) -> Watcher:
    return Watcher(
        clients=Clients(doors=(), token=str, chance=Random(1)),
        story=Story(tag="c1", space_id="space-1"),
        sight=Sight(name="who asked", events=[event for _, event in heard]),
        heard=[at for at, _ in heard],
        broken=list(broken),
    )


def _waits(watchers: list[Watcher], kills: list[Kill]) -> list[float]:
    return [resume.seconds for resume in resumes(watchers, kills)]


def test_a_stream_that_went_down_with_its_server_is_timed_from_the_kill() -> None:
    watcher = _watcher(
        (1.0, STARTED), (4.5, TOKENS), broken=(Broken(server="server 1", at=2.1, following=1),)
    )
    assert _waits([watcher], [Kill(name="server 1", at=2.0)]) == [2.5]


def test_a_stream_that_another_servers_kill_did_not_break_is_not_timed() -> None:
    watcher = _watcher(
        (1.0, STARTED), (4.5, TOKENS), broken=(Broken(server="server 1", at=2.1, following=1),)
    )
    assert _waits([watcher], [Kill(name="server 2", at=2.0)]) == []


def test_a_run_that_was_taken_over_is_timed_from_the_first_kill_in_its_silence() -> None:
    watcher = _watcher((1.0, STARTED), (2.0, TOKENS), (7.0, STARTED))
    kills = [Kill(name="worker 1", at=at) for at in (1.5, 3.0, 4.0)]
    assert _waits([watcher], kills) == [4.0]


def test_a_run_that_goes_on_undisturbed_is_not_timed() -> None:
    watcher = _watcher((1.0, STARTED), (2.0, TOKENS), (3.0, TOKENS))
    assert _waits([watcher], [Kill(name="worker 1", at=2.5)]) == []


def test_a_stream_and_a_run_lost_in_one_kill_are_one_wait() -> None:
    watcher = _watcher(
        (1.0, STARTED), (6.0, STARTED), broken=(Broken(server="server 1", at=2.0, following=1),)
    )
    assert _waits([watcher], [Kill(name="server 1", at=2.0)]) == [4.0]


def test_while_the_database_is_away_nobody_is_late() -> None:
    watcher = _watcher((1.0, STARTED), (9.0, STARTED))
    (resume,) = resumes([watcher], [Kill(name="worker 1", at=2.0)], [1.5, 8.0])
    assert (resume.seconds, resume.with_database) == (7.0, 1.0)


def test_a_silence_counts_unless_the_run_waited_for_its_turn_or_for_a_person() -> None:
    paused = run_pb2.RunEvent(paused=run_pb2.RunPaused())
    watcher = _watcher((1.0, TOKENS), (10.0, paused), (60.0, TOKENS), (62.0, TOKENS))
    (silence,) = silences([watcher], 8.0)
    assert (silence.seconds, silence.sequence) == (9.0, 2)
