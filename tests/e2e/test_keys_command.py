"""`obelisk keys`, as an operator types it."""

import asyncio
import re
from pathlib import Path

import httpx

from fixtures.obelisk_process import COMMAND, ObeliskProcess, environment

KID = re.compile(r"[A-Za-z0-9_-]{43}")


async def _obelisk(server: ObeliskProcess, folder: Path, *arguments: str) -> tuple[int, str]:
    """The command's exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env=environment(folder, OBELISK_SERVER=server.grpc, COLUMNS="160"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_keys_are_listed_and_rotated(server: ObeliskProcess) -> None:
    _, before = await _obelisk(server, server.data_dir, "keys", "list")
    (active,) = [line for line in before.splitlines() if "active" in line]
    code, said = await _obelisk(server, server.data_dir, "keys", "rotate")
    assert code == 0
    made = KID.search(said)
    assert made is not None
    _, after = await _obelisk(server, server.data_dir, "keys", "list")
    (coming,) = [line for line in after.splitlines() if made[0] in line]
    assert coming.split()[1] in ("next", "active")
    assert active.split()[0] in after
    async with httpx.AsyncClient() as web:
        answer = await web.get(f"{server.rest}/.well-known/jwks.json")
    published = [key["kid"] for key in answer.json()["keys"]]
    assert {made[0], active.split()[0]} <= set(published)


async def test_without_the_folders_secret_nobody_is_an_operator(
    server: ObeliskProcess, tmp_path: Path
) -> None:
    code, said = await _obelisk(server, tmp_path, "keys", "rotate")
    assert code == 1
    assert "OBELISK_DATA_DIR" in said
