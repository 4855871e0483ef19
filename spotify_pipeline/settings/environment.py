"""Puts the shell's variables and the project's `.env` together as Dagster does: `.env` wins.

Dagster's commands put the `.env` of the directory they run in over the shell's variables without a word. So a list
could go to another account than the shell says. Here a variable that both set, and not to the same, is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from spotify_pipeline.settings.errors import SettingsError

NO_ENV_FILE = "SPOTIFY_PIPELINE_NO_ENV_FILE"
"""Set to 1 by the demo for what it starts: the project's `.env` is then passed over."""
_MOST_ANCESTORS = 32


@dataclass(frozen=True)
class Environment:
    """The variables of a process, and where each is from. Empty means unset. No textual form shows a value.

    Attributes:
        shell: what the process was started with.
        file: what the project's `.env` sets.
        env_file: that file, whether it exists or not.
    """

    shell: Mapping[str, str] = field(repr=False)
    file: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    env_file: Path = Path(".env")

    @classmethod
    def read(cls, env_file: Path, shell: Mapping[str, str]) -> Environment:
        """The shell's variables with those of a `.env`, which need not exist.

        Raises:
            SettingsError: the file cannot be read.
        """
        if shell.get(NO_ENV_FILE) == "1":
            return cls(shell, {}, env_file)
        try:
            found = dotenv_values(env_file) if env_file.exists() else {}
        except (OSError, UnicodeDecodeError) as error:
            why = type(error).__name__
            raise SettingsError(f"{env_file} cannot be read ({why}). Correct its owner or its text.") from None
        return cls(shell, {name: value for name, value in found.items() if value is not None}, env_file)

    def get(self, name: str) -> str | None:
        """The value, without white space around it; None if it is unset or empty."""
        value = self.file[name] if name in self.file else self.shell.get(name, "")
        return value.strip() or None

    def origin(self, name: str) -> str:
        """Where the value is from, in words."""
        return str(self.env_file) if name in self.file else "the shell"

    def merged(self) -> dict[str, str]:
        """All variables, as Dagster's processes see them."""
        return {**self.shell, **self.file}

    def refuse_differences(self, names: Collection[str], *, whose: str = "The shell") -> None:
        """Refuse variables that the shell and `.env` both set, but not to the same.

        Raises:
            SettingsError: there is one; both places are named, no value is shown.
        """
        differing = sorted(name for name in names if self._differs(name))
        if differing:
            raise SettingsError(
                f"{whose} and {self.env_file} set {', '.join(differing)} to different values. Dagster takes what the "
                "file says, so nothing was started. Set each in one place: unset it in the shell, or remove its line "
                "from the file. If you changed the file, restart Dagster."
            )

    def _differs(self, name: str) -> bool:
        said = self.shell.get(name, "").strip()
        return name in self.file and bool(said) and said != self.file[name].strip()


def started_with(environment: Mapping[str, str], processes: Path = Path("/proc")) -> Mapping[str, str]:
    """The variables that the shell gave to Dagster, before Dagster put a `.env` over them.

    A process cannot see that in its own variables. Linux keeps what each was started with: this looks at the processes
    of Dagster that led to this one. Elsewhere, and where that cannot be read, it is ``environment`` as it is.
    """
    found, process = environment, processes / "self"
    with suppress(OSError, ValueError):
        for _ in range(_MOST_ANCESTORS):
            begun = (process / "environ").read_bytes().decode(errors="surrogateescape").split("\0")
            found = dict(each.split("=", 1) for each in begun if "=" in each)
            process = processes / _parent(process)
            if not _is_dagsters(process):
                break
    return found


def _parent(process: Path) -> str:
    # After the command's name, which is in parentheses and may hold anything: state, then the parent.
    return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]


def _is_dagsters(process: Path) -> bool:
    """Whether it is `dg`, a `dagster` command or `python -m dagster...`, or what Python starts for one."""
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:4]
    return any(Path(word).name == "dg" or Path(word).name.startswith("dagster") for word in words) or any(
        "multiprocessing" in word for word in words
    )
