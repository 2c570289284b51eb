"""Endpoints that are equally far share what was read for one of them, for a moment."""

from lingdang.db.pool import Pool
from lingdang.events.webhooks.reads import KEPT, KEPT_SECONDS, Reads
from support.customers import make_known
from support.money import credit, open_settlement


class Watch:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def happen(database_url: str, times: int) -> None:
    [customer] = make_known(database_url, "ann")
    async with open_settlement(database_url) as settlement:
        for _ in range(times):
            await settlement.submit(credit(customer.key, 1))


async def test_what_was_read_is_shared_for_a_moment_and_then_read_anew(database_url: str) -> None:
    watch = Watch()
    async with Pool(database_url, 1, pgbouncer=False) as pool:
        reads = Reads(pool, {}, watch)
        assert (await reads.read(0, 0, 10)).told == []
        await happen(database_url, 2)
        first = await reads.read(0, 0, 10)
        assert [each.event.seq for each in first.told] == [1, 2], "that there was nothing is not kept"
        await happen(database_url, 1)
        assert await reads.read(0, 0, 5) is first
        assert [each.event.seq for each in (await reads.read(0, first.cursor, 5)).told] == [3]
        reads.forget()
        assert len((await reads.read(0, 0, 10)).told) == 3
        await happen(database_url, 1)
        assert len((await reads.read(0, 0, 10)).told) == 3
        watch.now += KEPT_SECONDS
        assert [each.event.seq for each in (await reads.read(0, 0, 10)).told] == [1, 2, 3, 4]


async def test_few_pages_are_kept(database_url: str) -> None:
    await happen(database_url, KEPT + 2)
    async with Pool(database_url, 1, pgbouncer=False) as pool:
        reads = Reads(pool, {}, Watch())
        after, pages = 0, []
        for _ in range(KEPT + 1):
            pages.append((after, await reads.read(0, after, 1)))
            after = pages[-1][1].cursor
        assert [await reads.read(0, place, 1) is page for place, page in pages[1:]] == [True] * KEPT
        assert await reads.read(0, 0, 1) is not pages[0][1]
