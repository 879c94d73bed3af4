"""Errors that are written for people: what is wrong, where, and what to do about it."""


class AvfakeError(Exception):
    """A failure that the user can act on; printed without a traceback.

    Args:
        message: what is wrong, with the file and line where there is one.
        remedy: what to do about it, as a sentence; empty if the message says it.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\nremedy: {self.remedy}" if self.remedy else self.message


class UserError(AvfakeError):
    """Wrong input: a parameter, a label file, a path. Exit code 2."""

    exit_code = 2


class RunError(AvfakeError):
    """The input was understood, but the run cannot stand. Exit code 1."""
