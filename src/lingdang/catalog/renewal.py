"""Search terms that an older version made are made anew, a few products at a time, beside whatever goes on.

Workers of that version may still run and write: what they write is found by the same index and made anew too.
"""

import time

from lingdang.catalog.terms import MARK, product_terms
from lingdang.db.pool import Pool, transaction
from lingdang.db.rests import Rests

BATCH = 100
MOST = 20_000
"""Products of one round."""
ROUND_SECONDS = 20.0
"""After so long other healers have their turn."""

_OLD = f"""
    SELECT product_id, title, publisher, attributes->>'authors' FROM product
     WHERE NOT search @@ '''{MARK}'':*'::tsquery LIMIT %b FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of the package
_RENEW = """
    UPDATE product p SET search = array_to_tsvector(string_to_array(n.terms, ' '))
      FROM unnest(%b::text[], %b::text[]) AS n (product_id, terms) WHERE p.product_id = n.product_id
"""


async def renew_terms(pool: Pool, rests: Rests, most: int = MOST, seconds: float = ROUND_SECONDS) -> bool:
    """Make the terms of up to `most` products anew, for about so many seconds, with a rest after each batch. Returns
    whether there may be more. A product is otherwise as it was: its version and `updatedAt` stay.
    """
    done = 0
    end = time.monotonic() + seconds
    while done < most and time.monotonic() < end:
        began = time.monotonic()
        renewed = await _renew_some(pool)
        done += renewed
        if renewed < BATCH:
            return False
        await rests.after(time.monotonic() - began)
    return True


async def _renew_some(pool: Pool) -> int:
    async with transaction(pool) as connection:
        cursor = await connection.execute(_OLD, (BATCH,))
        rows = await cursor.fetchall()
        if rows:
            terms = [
                " ".join(product_terms(title, publisher or "", authors or "")) for _, title, publisher, authors in rows
            ]
            await connection.execute(_RENEW, ([row[0] for row in rows], terms))
    return len(rows)
