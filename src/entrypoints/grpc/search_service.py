"""SearchService on the wire."""

from application.retrieval.search import SearchKnowledge
from entrypoints.grpc.call import request_context
from entrypoints.grpc.convert_search import result, search_of
from entrypoints.grpc.interceptors.chain import Context
from obelisk.v1 import search_pb2 as pb
from obelisk.v1 import search_pb2_grpc


class SearchService(search_pb2_grpc.SearchServiceServicer):
    def __init__(self, search: SearchKnowledge) -> None:
        self._search = search

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        found = await self._search(request_context(), search_of(request))
        return pb.SearchResponse(
            results=[result(passage) for passage in found.passages], degraded_ways=found.degraded
        )
