"""Whether this process lives, and whether the gRPC server behind it takes calls."""

import grpc
from grpc_health.v1 import health_pb2
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

CHECK_SECONDS = 2.0
_NO_STORE = {"cache-control": "no-store"}


def health_routes(channel: grpc.aio.Channel) -> list[Route]:
    """`/healthz`: always 200. `/readyz`: 200 while gRPC health says SERVING, else 503."""
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "SERVING"}, headers=_NO_STORE)

    async def readyz(_: Request) -> JSONResponse:
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=CHECK_SECONDS)
        except grpc.aio.AioRpcError as error:
            status, serving = error.code().name, False
        else:
            status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
            serving = answer.status == health_pb2.HealthCheckResponse.SERVING
        return JSONResponse({"status": status}, 200 if serving else 503, headers=_NO_STORE)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
