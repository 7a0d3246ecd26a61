"""What watchers are told, as messages: each event is converted once for all who watch its run."""

from collections import OrderedDict

from application.runs.watch import Heartbeat
from domain.identifiers import RunId
from domain.runs.event import RunEvent
from entrypoints.grpc.convert import timestamp
from entrypoints.grpc.convert_events import run_event
from obelisk.v1 import run_pb2 as pb

# Conversion is 20 times the price of serialization; what was new a moment ago is asked for again.
_KEPT_MESSAGES = 512


class WatchMessages:
    """A bounded memory of the messages made last. They are shared: nobody changes one."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[RunId, int], tuple[RunEvent, pb.WatchRunResponse]] = (
            OrderedDict()
        )

    def of(self, run: RunId, told: RunEvent | Heartbeat) -> pb.WatchRunResponse:
        """One message of WatchRun's stream."""
        if isinstance(told, Heartbeat):
            return pb.WatchRunResponse(heartbeat_time=timestamp(told.time))
        made = self._made.get((run, told.sequence))
        # The same object, not an equal one: nobody is ever told another's event.
        if made is not None and made[0] is told:
            return made[1]
        message = pb.WatchRunResponse(event=run_event(told))
        self._made[run, told.sequence] = told, message
        if len(self._made) > _KEPT_MESSAGES:
            self._made.popitem(last=False)
        return message


def started(told: RunEvent | Heartbeat) -> pb.StartRunResponse:
    """One message of StartRun's stream, which has one reader."""
    if isinstance(told, Heartbeat):
        return pb.StartRunResponse(heartbeat_time=timestamp(told.time))
    return pb.StartRunResponse(event=run_event(told))
