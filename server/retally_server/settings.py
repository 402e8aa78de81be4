"""Settings of the server, from the environment (`RETALLY_…`) and from one TOML file; the environment wins.

Nothing here decides an election: what is admitted follows from the manifest, the entries and the clock.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Settings(BaseSettings):
    """One running server. Sizes are counts, durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="RETALLY_", extra="forbid", frozen=True)

    data: Path = Field(Path("retally-data"), description="Folder of the database, the board keys and the static files.")
    database_url: str | None = Field(
        None, repr=False, description="SQLAlchemy address; absent: SQLite in the data folder."
    )
    database_owner_url: str | None = Field(
        None, repr=False, description="Address for `database migrate` and `grant` only; no running server needs it."
    )
    host: str = Field("127.0.0.1", description="Address to listen on. TLS is the business of the proxy in front.")
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    key_passphrase_file: Path | None = Field(
        None, description="File whose first line encrypts new board keys and opens encrypted ones."
    )
    queue_limit: Annotated[int, Field(ge=1)] = Field(4096, description="Ballots waiting per board before 503.")
    batch_limit: Annotated[int, Field(ge=1)] = Field(512, description="Entries sequenced in one transaction.")
    body_seconds: Annotated[float, Field(gt=0)] = Field(30.0, description="Time a request's body may take to arrive.")
    rate_ballots: Annotated[int, Field(ge=1)] = Field(10, description="Accepted ballots per credential and window.")
    rate_seconds: Annotated[float, Field(gt=0)] = Field(60.0, description="Length of that window.")
    address_rate: Annotated[float, Field(ge=0)] = Field(
        100.0, description="What one address may spend a second (reading 0.2, sending 1, a refusal 19); 0: no limit."
    )
    address_burst: Annotated[float, Field(gt=0)] = Field(2000.0, description="What one address may spend at once.")
    trusted_proxies: str = Field(
        "127.0.0.0/8,::1/128", description="Networks whose X-Forwarded-For is believed, with commas between them."
    )
    connections: Annotated[int, Field(ge=8)] = Field(1024, description="Connections open at once in one process.")
    idle_seconds: Annotated[int, Field(ge=1)] = Field(
        75, description="How long a connection without a request is kept: longer than the proxy in front keeps its own."
    )
    checkpoint_seconds: Annotated[int, Field(ge=0)] = Field(2, description="How long a checkpoint may be cached.")
    turnout_seconds: Annotated[int, Field(ge=60)] = Field(
        900, description="How often the numbers of entries and ballots are noted, for the turnout curve."
    )
    tiles: str | None = Field(
        None, description="s3://bucket/prefix for the static files; absent: a folder in the data folder."
    )
    web: Path | None = Field(None, description="Folder of a build of the web client, to be served at /.")
    docs: Path | None = Field(None, description="Folder of the built documentation, to be served at /docs/.")
    lock_store: Path | None = Field(
        None, description="Folder of the locks, outside every backup; absent: beside the data folder, named …-locks."
    )
    witness_seconds: Annotated[float, Field(gt=0)] = Field(5.0, description="Time a witness has for one answer.")
    quorum_wait_seconds: Annotated[float, Field(ge=0)] = Field(
        2.0, description="How long a receipt waits for the witnesses' quorum before it is given without."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65000)] | None = Field(
        None, description="Port for Prometheus; absent: none. Further processes take the next free ports."
    )
    metrics_host: str = Field("127.0.0.1", description="Address for Prometheus, never a public one.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def database(self) -> str:
        """The SQLAlchemy address in use."""
        return self.database_url or f"sqlite:///{self.data / 'board.sqlite'}"

    @property
    def keys(self) -> Path:
        """The folder of the board keys."""
        return self.data / "keys"

    @property
    def locks(self) -> Path:
        """The folder of the lock store (`lock_store.py`)."""
        data = self.data.resolve()
        return self.lock_store or data.with_name(f"{data.name}-locks")

    @property
    def files(self) -> Path:
        """The folder of the static files: one folder per election, as C2SP tlog-tiles lays it out."""
        return self.data / "boards"

    def passphrase(self) -> SecretStr | None:
        """The passphrase for board keys, read anew each time so that it is not kept. OSError if unreadable."""
        if self.key_passphrase_file is None:
            return None
        return SecretStr(self.key_passphrase_file.read_text(encoding="utf-8").split("\n", 1)[0])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """In order of precedence: arguments (tests), environment, TOML file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(file: Path | None) -> Settings:
    """Settings from environment and `file`. FileNotFoundError if it is named and absent; ValidationError if wrong."""
    if file is None:
        return Settings()
    if not file.is_file():
        raise FileNotFoundError(f"the settings file {file} does not exist")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    return FileSettings()
