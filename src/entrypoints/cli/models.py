"""`obelisk models`."""

from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn
from rich.table import Table

from adapters.local.catalogue import ModelEntry, read_catalogue
from adapters.local.models import pull_model
from domain.errors import InvalidInput
from entrypoints.cli.terminal import console
from entrypoints.settings import Settings


async def pull(settings: Settings, name: str, url: str | None, sha256: str | None) -> None:
    """Fetch a model of the catalogue `models.toml` in the data folder, or the one given."""
    entry = _entry(settings, name, url, sha256)
    with Progress(
        *Progress.get_default_columns()[:1],
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task(name, total=None)
        path = await pull_model(
            entry,
            target_dir=settings.model_dir,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(f"{path} is here and verified; to use it: OBELISK_CHAT_MODEL_FILE={path}")


def show(settings: Settings) -> None:
    """Print what is in the model folder and what the catalogue names."""
    table = Table("Model", "File", "From", box=None)
    here = {path.stem: str(path) for path in sorted(settings.model_dir.glob("*.gguf"))}
    entries = read_catalogue(settings.model_catalogue_file).entries
    known = {name: entry.url for name, entry in entries.items()}
    for name in sorted(here | known):
        table.add_row(name, here.get(name, "not here"), known.get(name, ""))
    console.print(table)


def _entry(settings: Settings, name: str, url: str | None, sha256: str | None) -> ModelEntry:
    if url is None and sha256 is None:
        return read_catalogue(settings.model_catalogue_file).find(name)
    if url is None or sha256 is None:
        raise InvalidInput("give --url and --sha256 together: a download needs its pin")
    return ModelEntry(name=name, url=url, sha256=sha256)
