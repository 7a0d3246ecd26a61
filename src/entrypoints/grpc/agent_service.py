"""AgentService on the wire."""

from domain.agents.definition import AgentCatalogue
from entrypoints.grpc import convert
from entrypoints.grpc.interceptors.chain import Context
from obelisk.v1 import agent_pb2 as pb
from obelisk.v1 import agent_pb2_grpc


class AgentService(agent_pb2_grpc.AgentServiceServicer):
    def __init__(self, agents: AgentCatalogue) -> None:
        self._agents = agents

    async def ListAgents(
        self, request: pb.ListAgentsRequest, context: Context
    ) -> pb.ListAgentsResponse:
        return pb.ListAgentsResponse(agents=[convert.agent(a) for a in self._agents.agents])
