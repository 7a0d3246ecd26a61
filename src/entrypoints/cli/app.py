"""The commands of `obelisk`. Each is a few lines here and a file beside this one.

What runs in the platform's own process is imported by its command: the others start without it.
"""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli import ask as asking
from entrypoints.cli import ingest as ingesting
from entrypoints.cli import keys as rotating
from entrypoints.cli import models as pulling
from entrypoints.cli import runs as listing
from entrypoints.cli import search as searching
from entrypoints.cli import spaces as housing
from entrypoints.cli import tokens
from entrypoints.cli.terminal import run_async, settings
from entrypoints.settings import Settings

app = typer.Typer(
    help="Obelisk: marketing agents on your own documents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models = typer.Typer(help="Chat models that run in this process.", no_args_is_help=True)
app.add_typer(models, name="models")
users = typer.Typer(
    help="Accounts of people, in the database of the settings.", no_args_is_help=True
)
app.add_typer(users, name="users")
keys = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)
app.add_typer(keys, name="keys")

ServerOption = Annotated[
    str, typer.Option("--server", envvar="OBELISK_SERVER", help="gRPC address of the server.")
]
SpaceOption = Annotated[
    str | None,
    typer.Option("--space", envvar="OBELISK_SPACE", help="Space id; yours if you have only one."),
]
DEFAULT_SERVER = "127.0.0.1:50051"


@app.command()
def serve() -> None:
    """Serve gRPC and REST until stopped."""
    from entrypoints.cli import serve as serving  # noqa: PLC0415 - takes seconds

    run_async(serving.serve(settings()))


@app.command()
def worker() -> None:
    """Execute runs and read documents for the servers of the same database."""
    from entrypoints.cli import serve as serving  # noqa: PLC0415 - takes seconds

    run_async(serving.work(settings()))


@app.command()
def demo(
    examples: Annotated[
        Path, typer.Option(help="The folder of the example company.", exists=True, file_okay=False)
    ] = Path("examples"),
    question: Annotated[
        int, typer.Option(help="Which task of questions.toml to ask, from 1.", min=1)
    ] = 1,
) -> None:
    """Do the main job on embedded parts: ingest, ask, stream, cite, replay."""
    from entrypoints.cli import demo as demonstrating  # noqa: PLC0415 - takes seconds

    run_async(demonstrating.demo(settings(), examples, question))


@app.command()
def migrate() -> None:
    """Bring the database's schema up to this version."""
    from entrypoints.cli import serve as serving  # noqa: PLC0415 - takes seconds

    run_async(serving.migrate_only(settings()))


@app.command()
def token(server: ServerOption = DEFAULT_SERVER) -> None:
    """Print an access token of this machine's operator, for other clients."""
    run_async(_print_token(settings(), server))


async def _print_token(given: Settings, server: str) -> None:
    typer.echo(await tokens.local_token(given, server))


@app.command()
def spaces(
    create: Annotated[
        str | None, typer.Option(help="Create a space of this name, in an organization of yours.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option(help="The organization's name; created if there is none.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """List your spaces, or create one."""
    run_async(housing.spaces(settings(), server, create, organization))


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(help="Files to upload.", exists=True, dir_okay=False)
    ],
    collection: Annotated[
        ingesting.CollectionName, typer.Option(help="What the documents are for.")
    ] = ingesting.CollectionName.GENERAL,
    server: ServerOption = DEFAULT_SERVER,
    space: SpaceOption = None,
) -> None:
    """Upload documents and wait until they are searchable."""
    run_async(ingesting.ingest(settings(), server, space, files, collection))


@app.command()
def ask(
    agent: Annotated[str, typer.Argument(help="The agent: brand, email, seo or strategy.")],
    question: Annotated[str, typer.Argument(help="What to ask of it.")],
    approval: Annotated[
        bool, typer.Option("--approval", help="Wait with the draft until somebody approves it.")
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
    space: SpaceOption = None,
) -> None:
    """Ask an agent and stream its answer."""
    run_async(asking.ask(settings(), server, space, agent, question, approval=approval))


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")] = "",
    collection: Annotated[
        list[ingesting.CollectionName] | None,
        typer.Option(help="Only documents for this; may be given several times."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Results at most.", min=1, max=50)] = 5,
    image: Annotated[
        Path | None, typer.Option(help="Look for this picture: PNG, JPEG or WebP, 2 MiB at most.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    space: SpaceOption = None,
) -> None:
    """Search the documents of a space, as its agents do: by words, by a picture or by both."""
    wanted = searching.Wanted(
        query=query, collections=tuple(collection or ()), limit=limit, image=image
    )
    run_async(searching.search(settings(), server, space, wanted))


@app.command()
def runs(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[[approve|reject] RUN_ID]",
            help="Replay this run, or answer what it waits for; the latest ones when not given.",
        ),
    ] = None,
    waiting: Annotated[str | None, typer.Argument(hidden=True)] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the run instead.")] = False,
    note: Annotated[str, typer.Option(help="What else to say with approve or reject.")] = "",
    server: ServerOption = DEFAULT_SERVER,
    space: SpaceOption = None,
) -> None:
    """List runs, replay one from its event log, stop one, or approve or reject its draft."""
    if waiting is None:
        run_async(listing.runs(settings(), server, space, run, cancel=cancel))
    elif run in ("approve", "reject"):
        approve = run == "approve"
        run_async(listing.resume(settings(), server, space, waiting, approve=approve, note=note))
    else:
        raise typer.BadParameter(f"say approve or reject before the run, not {run!r}")


@models.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A name in the catalogue, or one for your --url.")],
    url: Annotated[str | None, typer.Option(help="Where the GGUF file is.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Its SHA-256, in hexadecimal.")] = None,
) -> None:
    """Fetch a GGUF model whose SHA-256 is known."""
    run_async(pulling.pull(settings(), name, url, sha256))


@models.command("list")
def list_models() -> None:
    """Show the models that are here, and those that the catalogue knows."""
    pulling.show(settings())


@users.command("add")
def add_user(
    email: Annotated[str, typer.Argument(help="What they sign in with.")],
    name: Annotated[str | None, typer.Option(help="What people call them.")] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="May rotate keys and revoke anybody.")
    ] = False,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Take a password from standard input; without, only a provider lets them in.",
        ),
    ] = False,
) -> None:
    """Make an account."""
    from entrypoints.cli import users as keeping  # noqa: PLC0415 - takes seconds

    run_async(keeping.add(settings(), email, name, operator=operator, from_input=password_stdin))


@users.command("list")
def list_users() -> None:
    """Show all accounts."""
    from entrypoints.cli import users as keeping  # noqa: PLC0415 - takes seconds

    run_async(keeping.show(settings()))


@users.command("disable")
def disable_user(
    email: Annotated[str, typer.Argument(help="Whose account.")],
) -> None:
    """End every session of an account, and let it sign in no more."""
    from entrypoints.cli import users as keeping  # noqa: PLC0415 - takes seconds

    run_async(keeping.disable(settings(), email))


@keys.command("list")
def list_keys(server: ServerOption = DEFAULT_SERVER) -> None:
    """Show the signing keys, and when each of them signs."""
    run_async(rotating.show(settings(), server))


@keys.command("rotate")
def rotate_key(server: ServerOption = DEFAULT_SERVER) -> None:
    """Sign with a new key as soon as every process knows it."""
    run_async(rotating.rotate(settings(), server))
