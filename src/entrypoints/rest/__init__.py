"""REST and server-sent events over the gRPC server, from the contract's `google.api.http`."""
