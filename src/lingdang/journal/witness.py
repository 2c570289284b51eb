"""The witness: the newest checkpoint in a file, kept where whoever changes the database does not reach.

The log only grows. A database that lacks what the witness has was put back to an earlier state, by an attacker or from
a backup; then the file is left as it is, for it is the evidence.
"""

import os
import time
from pathlib import Path

import structlog

from lingdang.db.pool import Connection
from lingdang.journal.checkpoints import peek

TELL_SECONDS = 60.0

_log = structlog.get_logger(__name__)

_HAS = "SELECT EXISTS (SELECT 1 FROM seal_checkpoint WHERE number = %b AND jws = %b)"


class Witness:
    """One file with one checkpoint's JWS."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rolled_back = False
        self._kept: str | None = None
        self._told = -TELL_SECONDS

    def read(self) -> str | None:
        """The checkpoint, or None when there is no file. Raises OSError."""
        try:
            return self.path.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return None

    def write(self, jws: str) -> None:
        """Replace the file whole. Raises OSError."""
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with temporary.open("w", encoding="ascii") as file:
                file.write(jws + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    async def keep(self, connection: Connection, newest: str | None) -> None:
        """Write down the log's newest checkpoint, unless the log has lost the one in the file."""
        if newest == self._kept and not self.rolled_back:
            return
        try:
            known = self.read()
            self.rolled_back = known is not None and not await holds(connection, known)
            if self.rolled_back:
                _log.error("journal_rolled_back", witness=str(self.path))
            elif newest is not None:
                self.write(newest)
                self._tell(newest)
            self._kept = newest
        except OSError as error:
            _log.warning("witness_not_kept", reason=error.strerror, witness=str(self.path))
            self._kept = newest

    def _tell(self, jws: str) -> None:
        """The log carries checkpoints away from this machine, one a minute."""
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            _log.info("journal_checkpoint", checkpoint=jws)


async def holds(connection: Connection, jws: str) -> bool:
    """Whether the log still has this checkpoint."""
    checkpoint = peek(jws)
    if checkpoint is None:
        return False
    row = await (await connection.execute(_HAS, (checkpoint.number, jws))).fetchone()
    return row == (True,)
