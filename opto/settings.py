"""Settings: one frozen object, one order of sources, unknown keys refused.

Lives here: `Settings` and reading it. Flag > OPTO_* variable > ./opto.toml > default.
Never here: API keys (environment only, `opto.llm.secret`), settings that nothing reads yet.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from tomllib import TOMLDecodeError

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as UnparsableVariable,
)

from opto.errors import SettingsError

FILE = Path("opto.toml")


class Settings(BaseSettings):
    """What a user can set. A misspelt key in the file is an error."""

    model_config = SettingsConfigDict(
        env_prefix="OPTO_",
        toml_file=FILE,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        env_ignore_empty=True,
    )

    model: str | None = None
    """Model spec such as `openai:gpt-4.1`; None: the local default, if it was pulled."""

    models_dir: Path | None = None
    """Folder of downloaded models; None: the user's cache folder."""

    runs_path: Path = Path(".opto/runs.db")
    """Database in which runs are recorded."""

    call_timeout_s: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Longest time for one call of a remote model with all its retries, seconds."""

    cache_path: Path | None = None
    """Database of answers that are not asked for twice; None: every question is asked."""

    max_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Ceiling in US dollars for all calls of one model; a call that could pass it is not made."""

    price: str | None = None
    """Dollars per million tokens in and out of a model in no price table, such as `0.15/0.60`."""

    threads: int = Field(default=0, ge=0)
    """CPU threads of a model on this machine; 0 means one per core."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic passes them)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then OPTO_* variables, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**flags: object) -> Settings:
    """The settings in force; a flag that is None was not given.

    Raises:
        SettingsError: A key is unknown, a value cannot be used, or opto.toml is not TOML.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise _explain(error) from None
    except TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is not TOML: {error}.", where=str(FILE.resolve())) from error
    except (UnicodeDecodeError, UnparsableVariable) as error:
        raise SettingsError("The settings cannot be read.", where=str(error)) from error


def _explain(error: ValidationError) -> SettingsError:
    """The first mistake, with the name the user meant if it is near."""
    mistake = error.errors(include_url=False)[0]
    name = ".".join(str(step) for step in mistake["loc"])
    known = list(Settings.model_fields)
    if mistake["type"] == "extra_forbidden":
        near = get_close_matches(name, known, n=1)
        return SettingsError(
            f"There is no setting {name!r}.",
            where=f"{FILE} or a flag",
            fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(known)}.",
        )
    return SettingsError(
        f"The setting {name!r} cannot be {mistake['input']!r}.",
        where=f"flag, OPTO_{name.upper()} or {FILE}",
        fix=f"{mistake['msg']}.",
    )
