"""Settings: what the environment (`VITRINE_*`) and a `.env` file say. Read here and handed down as plain arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from search.errors import SetupError


class Settings(BaseSettings):
    """Every setting, its default, and what it means. `docs/guide/settings.md` lists them for users."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", env_file=".env", env_ignore_empty=True, extra="ignore")

    data: Path = Field(Path("data"), description="Data directory: manifest, store, journal, thumbnails.")
    models: Path | None = Field(None, description="Folder of weights and exported graphs; DATA/models where unset.")
    cache: Path | None = Field(None, description="Folder for data sets the demo fetches; DATA/cache where unset.")
    encoder: str = Field("auto", description="Backbone of a new catalogue: auto, or a name from 'vitrine info'.")
    clip: str = Field("", description="CLIP beside the backbone of a new catalogue: MODEL/TAG; none where unset.")
    threads: int = Field(0, ge=0, le=256, description="Threads of one forward pass; 0 for one a core.")

    qdrant_url: str | None = Field(None, description="Address of a Qdrant server; the embedded store where unset.")
    qdrant_api_key: SecretStr | None = Field(None, description="Key of that server.")
    qdrant_timeout_s: int = Field(30, ge=1, description="Seconds to wait for that server.")
    collection: str = Field("vitrine", description="Name of the collection on that server, before the generation.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 for any free one.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Keys the API asks for, separated by commas; none asked for where unset."
    )
    max_upload_mb: float = Field(20, gt=0, le=100, description="Largest request body, MiB.")
    max_concurrent: int = Field(2, ge=1, description="Photos decoded and embedded at once.")
    max_waiting: int = Field(16, ge=0, description="Requests that may wait for that; beyond them 429.")
    body_timeout_s: float = Field(10, gt=0, description="Seconds a request may take to arrive.")
    snn_timeout_s: float = Field(10, gt=0, description="Seconds the spiking classifier may take for a photo.")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(key.strip() for key in value.split(",") if key.strip())

    def models_folder(self) -> Path:
        """Folder of weights and exported graphs."""
        return self.models or self.data / "models"

    def cache_folder(self) -> Path:
        """Folder for fetched data sets."""
        return self.cache or self.data / "cache"


def load_settings(data: Path | None) -> Settings:
    """The settings; a data directory given on the command line wins over the environment.

    Raises:
        SetupError: a variable that cannot be what it says.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = "; ".join(f"VITRINE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SetupError(f"the settings cannot be used: {wrong}", code="invalid_settings") from None
    if data is not None:
        settings = settings.model_copy(update={"data": data})
    if settings.data.exists() and not settings.data.is_dir():
        raise SetupError(f"the data directory {settings.data} is a file; name a folder", code="invalid_settings")
    return settings
