"""What is declared of every forging tool."""

import importlib.metadata
from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """A tool that makes clips fake.

    Args:
        name: the value of the label column `generator`.
        package: the distribution that ships it, or "avfake" for what is written here.
        licence: SPDX expression of the code and weights.
        description: one sentence on how it forges.
    """

    name: str
    package: str
    licence: str
    description: str

    @property
    def version(self) -> str:
        """The installed version of `package`; "not installed" where there is none."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return "not installed"
