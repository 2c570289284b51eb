"""API keys of the platform's servers."""

from typing import Protocol


class ApiKeys(Protocol):
    async def require(self, authorization: str | None, scope: str) -> object: ...
