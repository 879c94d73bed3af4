"""Bearer tokens, compared in constant time."""

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from avfake.service.problems import ProblemError

_BEARER = HTTPBearer(auto_error=False, description="Needed where the service was started with tokens.")


class Tokens:
    """The tokens that are accepted; kept as digests. Without any, everybody may ask."""

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self._digests = [hashlib.sha256(token.encode()).digest() for token in tokens]

    def accept(self, token: str | None) -> bool:
        """Whether the token is one of them, or none is needed."""
        if not self._digests:
            return True
        digest = hashlib.sha256((token or "").encode()).digest()
        # All are compared, so that time tells nothing.
        equal = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(equal)


def authorised(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """A dependency. Raises ProblemError where a token is needed and none, or another, was sent."""
    tokens: Tokens = request.app.state.tokens
    if not tokens.accept(None if credentials is None else credentials.credentials):
        raise ProblemError("unauthorised", "no valid bearer token was sent", {"WWW-Authenticate": "Bearer"})
