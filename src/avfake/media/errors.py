"""The one error of this folder."""


class ClipError(ValueError):
    """A clip, or one of its tracks, that cannot be used.

    Args:
        reason: short and for people, without the clip's path: the caller knows it, and a report of
            many clips is easier to read and to group without.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
