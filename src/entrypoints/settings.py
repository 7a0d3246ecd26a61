"""Obelisk's settings: the only reader of the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from entrypoints.model_settings import ModelSettings
from entrypoints.oidc_settings import OidcProviderSettings, distinct

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(ModelSettings):
    """Every setting is an environment variable OBELISK_<NAME>, or a line in a file `.env`."""

    model_config = SettingsConfigDict(env_prefix="OBELISK_", env_file=".env", extra="ignore")

    data_dir: Path = Field(
        default=Path(".obelisk"), description="Where embedded parts keep their data."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )

    grpc_host: str = Field(default="127.0.0.1", description="Address of the gRPC server.")
    grpc_port: Port = Field(default=50051, description="Port of the gRPC server; 0 picks one.")
    rest_host: str = Field(default="127.0.0.1", description="Address of the REST server.")
    rest_port: Port = Field(default=8080, description="Port of the REST server; 0 picks one.")
    rest_allowed_origins: list[str] = Field(
        default=[], description="Web origins that a browser may call the REST server from (JSON)."
    )
    rest_trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=8,
        description="How many of your own proxies stand before the REST server, each adding to "
        "X-Forwarded-For; the header counts for nothing at 0.",
    )

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OBELISK_DATABASE_URL", "DATABASE_URL"),
        description="A PostgreSQL 15+ with pgvector 0.8+ of your own; embedded when not given.",
    )
    app_database_url: SecretStr | None = Field(
        default=None,
        description="How the application connects, when not as the role that migrates.",
    )
    database_pooler: bool = Field(
        default=False,
        description="Whether OBELISK_APP_DATABASE_URL leads to a pooler in transaction mode, such "
        "as PgBouncer; OBELISK_DATABASE_URL leads past it.",
    )
    database_pool_size: int = Field(default=16, ge=2, le=200, description="Connections at most.")
    event_retention_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="How long the events of runs can be replayed; forgotten by whole weeks.",
    )
    pause_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="How long a paused run waits for a person's answer before it ends as EXPIRED.",
    )
    blob_url: str | None = Field(
        default=None,
        pattern=r"^(s3|gs)://[a-z0-9][a-z0-9._-]+(/[A-Za-z0-9._-]+)*/?$",
        description="A bucket for documents' bytes, s3://bucket/folder or gs://bucket/folder; a "
        "folder under OBELISK_DATA_DIR when not given.",
    )
    blob_endpoint: str | None = Field(
        default=None, description="Where a server stands that speaks S3 and is not Amazon's."
    )
    blob_region: str = Field(default="us-east-1", description="The S3 bucket's region.")
    blob_access_key: SecretStr | None = Field(
        default=None,
        description="The S3 access key; what the machine is given by its cloud when not given.",
    )
    blob_secret_key: SecretStr | None = Field(
        default=None, description="The secret of OBELISK_BLOB_ACCESS_KEY."
    )
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OBELISK_REDIS_URL", "REDIS_URL"),
        description="Announces events between processes; one process needs none.",
    )

    runs_at_once: int = Field(
        default=16, ge=1, description="Runs executed side by side by this process."
    )
    space_running_limit: int = Field(
        default=8, ge=1, description="Runs of one space side by side, over all processes."
    )
    space_queue_limit: int = Field(
        default=100, ge=1, description="Runs of one space that may wait; more are refused."
    )
    run_attempts: int = Field(
        default=3,
        ge=1,
        le=100,
        description="How often a run or a document is taken up again after its process was lost.",
    )
    ingestions_at_once: int = Field(default=2, ge=1, description="Documents read side by side.")
    layout_models: Path | None = Field(
        default=None,
        description="A folder of docling's layout models, fetched beforehand, for scans and turned "
        "pages of PDF; needs the extra `layout`. None are asked when not given.",
    )

    watchers_at_once: int = Field(
        default=4_000, ge=1, description="Streams of runs open in a process, StartRun's too."
    )
    watchers_per_space: int = Field(
        default=1_000, ge=1, description="Those of them that one space may have."
    )
    heartbeat_seconds: float = Field(
        default=15.0, gt=0, le=300, description="Silence after which a stream says it is alive."
    )

    token_issuer: str = Field(default="obelisk", description="`iss` of access tokens.")
    token_audience: str = Field(default="obelisk", description="`aud` of access tokens.")
    token_minutes: int = Field(default=15, ge=1, le=1440, description="Life of access tokens.")
    session_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="From a sign-in to the next, however often its tokens are renewed.",
    )

    local_operator: bool = Field(
        default=True,
        description="Whether whoever can read the data folder is let in as an operator, by the "
        "secret in keys/local.secret; the command line needs it.",
    )

    oidc_providers: Annotated[list[OidcProviderSettings], AfterValidator(distinct)] = Field(
        default=[],
        description="OpenID providers that people may sign in with (JSON).",
    )

    master_key: SecretStr | None = Field(
        default=None,
        description="32 random bytes in base64 that seal the signing keys; a file when not given.",
    )
    master_key_file: Path | None = Field(
        default=None,
        description="Where the master key is kept; keys/master.key in the data folder.",
    )
    key_period_days: int = Field(
        default=90, ge=2, le=3650, description="From one signing key to the next."
    )
    key_lead_seconds: float = Field(
        default=10.0,
        ge=2,
        le=3600,
        description="How long a signing key is published before it signs, when somebody asks for "
        "a rotation; by itself it is a day.",
    )

    @property
    def token_life(self) -> timedelta:
        """See `token_minutes`."""
        return timedelta(minutes=self.token_minutes)

    @property
    def pause_life(self) -> timedelta:
        """See `pause_days`."""
        return timedelta(days=self.pause_days)

    @property
    def session_life(self) -> timedelta:
        """See `session_days`."""
        return timedelta(days=self.session_days)

    @property
    def model_dir(self) -> Path:
        """Where `obelisk models pull` keeps GGUF files."""
        return self.data_dir / "models"

    @property
    def local_secret_file(self) -> Path:
        """What proves that whoever holds it may read this folder; made on first start."""
        return self.data_dir / "keys" / "local.secret"

    @property
    def model_catalogue_file(self) -> Path:
        """The models that can be pulled by name: `[models.NAME]` with url and sha256."""
        return self.data_dir / "models.toml"
