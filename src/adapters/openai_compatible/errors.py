"""What a model server can refuse, or fail at."""


class ServerRefused(Exception):
    """The server answered with a failure. Never leaves this folder."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body


class ServerSilent(Exception):
    """The server was not reached, broke off, or let a deadline pass. Never leaves this folder."""
