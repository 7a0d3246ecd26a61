"""Why a file is refused, in words for the person who sent it."""


class Refused(Exception):
    """The message says what is wrong with the file and what would help."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
