"""Orders and vouchers of every kind: drawn by Hypothesis, small enough to try all; or many of them, from a seed."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from lingdang.coupons.goods import Basket, Buyer, Good, Voucher, basket_of
from lingdang.coupons.model import (
    BuyPay,
    Conditions,
    Definition,
    Effect,
    Fixed,
    FixedPrice,
    FreeProduct,
    NthItem,
    Percent,
    SpendSave,
    Stacking,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PRODUCTS = [f"book-{n}" for n in range(8)]
bells = st.integers(1, 300)

effects: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Percent, st.integers(1, 100), st.none() | bells),
    st.builds(Fixed, bells),
    st.tuples(bells, bells, st.booleans()).map(lambda t: SpendSave(max(t[:2]), min(t[:2]), t[2])),
    st.builds(FixedPrice, st.integers(0, 200)),
    st.builds(NthItem, st.integers(2, 4), st.integers(1, 100)),
    st.tuples(st.integers(2, 4), st.integers(1, 3)).filter(lambda t: t[1] < t[0]).map(lambda t: BuyPay(*t)),
    st.builds(FreeProduct, st.sampled_from(PRODUCTS)),
)
some_products = st.none() | st.frozensets(st.sampled_from(PRODUCTS), min_size=1)
conditions = st.builds(
    Conditions,
    min_spend=st.none() | bells,
    min_count=st.none() | st.integers(2, 4),
    products=some_products,
    first_purchase=st.booleans(),
    groups=st.none() | st.just(frozenset({"vip"})),
)
stackings = st.builds(
    Stacking,
    exclusive=st.sampled_from([False, False, False, True]),
    group=st.sampled_from([None, None, None, "a", "b"]),
    order=st.integers(0, 2),
)
definitions = st.builds(Definition, name=st.just("Voucher"), effect=effects, conditions=conditions, stacking=stackings)


@st.composite
def held(draw: st.DrawFn, most: int = 9) -> list[Voucher]:
    """Vouchers of a few coupons, several of some of them."""
    coupons = draw(st.lists(definitions, min_size=1, max_size=5))
    kept = []
    for number in range(draw(st.integers(0, most))):
        coupon = draw(st.integers(0, len(coupons) - 1))
        expires_at = NOW + timedelta(days=draw(st.sampled_from([-1, 0, 1, 2, 3, 3, 3, 3])))
        status = draw(st.sampled_from(["active"] * 8 + ["paused", "withdrawn"]))
        kept.append(Voucher(f"v{number:02}", f"c{coupon}", coupons[coupon], expires_at, status))
    return kept


@st.composite
def orders(draw: st.DrawFn) -> Basket:
    ids = draw(st.lists(st.sampled_from(PRODUCTS), min_size=1, unique=True))
    goods = [Good(i, draw(st.integers(0, 300))) for i in ids]
    buyer = Buyer(draw(st.booleans()), draw(st.sampled_from([frozenset(), frozenset({"vip"})])))
    return basket_of(goods, "BELL", buyer, NOW)


def an_effect(chance: random.Random, products: list[str]) -> Effect:
    amount = chance.randint(1, 400)
    kinds: list[Effect] = [
        Percent(chance.randint(1, 100), chance.choice([None, amount])),
        Fixed(amount),
        SpendSave(amount, chance.randint(1, amount), chance.random() < 0.5),
        FixedPrice(chance.randint(0, 300)),
        NthItem(chance.randint(2, 4), chance.randint(1, 100)),
        BuyPay(3, chance.randint(1, 2)),
        FreeProduct(chance.choice(products)),
    ]
    return chance.choice(kinds)


def a_shop(count: int, seed: int, lines: int = 8, coupons: int | None = None) -> tuple[Basket, list[Voucher]]:
    """An order of so many lines, and so many vouchers: of coupons with random kinds, conditions, groups and orders."""
    chance = random.Random(seed)
    products = [f"book-{n:03}" for n in range(lines)]
    groups = chance.choice([[None], [None, None, "a", "b"], ["a", "b", "c", "d"], [None, "a"]])
    definitions = [
        Definition(
            "Voucher",
            an_effect(chance, products),
            Conditions(products=frozenset(chance.sample(products, 1 + lines // 2)) if chance.random() < 0.5 else None),
            Stacking(chance.random() < 0.1, chance.choice(groups), chance.randint(0, 2)),
        )
        for _ in range(coupons or chance.choice([count, count // 3]))
    ]
    vouchers = []
    for number in range(count):
        coupon = number % len(definitions)
        days = timedelta(days=chance.choice([0, 1, 1, 2, 2]))
        vouchers.append(Voucher(f"v{number:03}", f"c{coupon:03}", definitions[coupon], NOW + days))
    goods = [Good(product_id, chance.randint(0, 1000)) for product_id in products]
    return basket_of(goods, "BELL", Buyer(), NOW), vouchers
