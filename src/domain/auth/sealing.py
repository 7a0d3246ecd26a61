"""What can be wrong with a secret at rest, or with the master key that seals it."""

from domain.errors import FailedPrecondition


class SealBroken(FailedPrecondition):
    """What was sealed has been changed since, or was sealed for another purpose."""

    reason = "SEAL_BROKEN"

    def __init__(self, purpose: str) -> None:
        super().__init__(
            f"what was sealed for {purpose!r} has been changed since, or is not from here; "
            "restore it from a backup",
            metadata={"purpose": purpose},
        )


class MasterKeyWrong(FailedPrecondition):
    reason = "MASTER_KEY_WRONG"

    def __init__(self, *, wanted: str, given: str) -> None:
        super().__init__(
            f"the master key {given} was given, and the database is sealed with {wanted}; "
            "every process on one database needs the same OBELISK_MASTER_KEY, "
            "or the same file in OBELISK_MASTER_KEY_FILE",
            metadata={"wanted": wanted, "given": given},
        )


class MasterKeyMissing(FailedPrecondition):
    reason = "MASTER_KEY_MISSING"

    def __init__(self, file: str) -> None:
        super().__init__(
            f"the database holds sealed keys, and the master key that opens them is missing: "
            f"put it back as {file}, or set OBELISK_MASTER_KEY to it"
        )


class MasterKeyMalformed(FailedPrecondition):
    reason = "MASTER_KEY_MALFORMED"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(
            f"{where} {problem}; a master key is 32 random bytes in base64, "
            "such as `openssl rand -base64 32` prints"
        )


class MasterKeyExposed(FailedPrecondition):
    reason = "MASTER_KEY_EXPOSED"

    def __init__(self, file: str) -> None:
        super().__init__(f"others may read the master key; run: chmod 600 '{file}'")
