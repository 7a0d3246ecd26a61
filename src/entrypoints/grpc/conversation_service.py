"""ConversationService on the wire."""

from application.conversations.manage import ManageConversations
from application.conversations.prepare import PrepareConversation
from domain.identifiers import ConversationId
from domain.paging import page_request
from entrypoints.grpc import convert
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import uuid_of
from obelisk.v1 import conversation_pb2 as pb
from obelisk.v1 import conversation_pb2_grpc


class ConversationService(conversation_pb2_grpc.ConversationServiceServicer):
    def __init__(self, conversations: ManageConversations, prepare: PrepareConversation) -> None:
        self._conversations = conversations
        self._prepare = prepare

    async def CreateConversation(
        self, request: pb.CreateConversationRequest, context: Context
    ) -> pb.CreateConversationResponse:
        created = await self._conversations.create(request_context(), title=request.title)
        return pb.CreateConversationResponse(conversation=convert.conversation(created))

    async def ListConversations(
        self, request: pb.ListConversationsRequest, context: Context
    ) -> pb.ListConversationsResponse:
        page = page_request(request.page_size, request.page_token)
        found = await self._conversations.list(request_context(), page=page)
        return pb.ListConversationsResponse(
            conversations=[convert.conversation(item) for item in found.items],
            next_page_token=convert.page_token(found.next_after),
        )

    async def ListMessages(
        self, request: pb.ListMessagesRequest, context: Context
    ) -> pb.ListMessagesResponse:
        page = page_request(request.page_size, request.page_token)
        conversation = _conversation(request.conversation_id)
        found = await self._conversations.messages(
            request_context(), conversation_id=conversation, page=page
        )
        return pb.ListMessagesResponse(
            messages=[convert.message(item) for item in found.items],
            next_page_token=convert.page_token(found.next_after),
        )

    async def GetConversation(
        self, request: pb.GetConversationRequest, context: Context
    ) -> pb.GetConversationResponse:
        conversation = _conversation(request.conversation_id)
        found = await self._conversations.get(request_context(), conversation_id=conversation)
        return pb.GetConversationResponse(conversation=convert.conversation(found))

    async def UpdateConversation(
        self, request: pb.UpdateConversationRequest, context: Context
    ) -> pb.UpdateConversationResponse:
        conversation = _conversation(request.conversation_id)
        renamed = await self._conversations.rename(
            request_context(), conversation_id=conversation, title=request.title
        )
        return pb.UpdateConversationResponse(conversation=convert.conversation(renamed))

    async def PrepareConversation(
        self, request: pb.PrepareConversationRequest, context: Context
    ) -> pb.PrepareConversationResponse:
        conversation = _conversation(request.conversation_id)
        warm = await self._prepare(
            request_context(), conversation_id=conversation, agent=request.agent
        )
        return pb.PrepareConversationResponse(warm=warm)

    async def DeleteConversation(
        self, request: pb.DeleteConversationRequest, context: Context
    ) -> pb.DeleteConversationResponse:
        conversation = _conversation(request.conversation_id)
        await self._conversations.delete(request_context(), conversation_id=conversation)
        return pb.DeleteConversationResponse()


def _conversation(text: str) -> ConversationId:
    return ConversationId(uuid_of(text, "conversation_id"))
