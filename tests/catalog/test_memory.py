"""What a worker remembers of products holds for the version it was read in, and for no other."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.memory import Memory, weight
from lingdang.catalog.product import Product, ProductDetail

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DETAIL = ProductDetail("An introduction", None, "novel", {"authors": "Jane Austen"}, 0, NOW, NOW)


def book(name: str, price: int = 100, *, whole: bool = False, active: bool = True) -> Product:
    return Product(name, "T", None, "BELL", price, price, active, None, None, DETAIL if whole else None)


def learnt(memory: Memory, version: str, *products: Product) -> None:
    look = memory.look([product.product_id for product in products])
    assert look.holds_in(version) or look.unknown
    look.completed(version, products)


def test_what_was_read_is_not_asked_again() -> None:
    memory = Memory()
    look = memory.look(["b", "a", "b"])
    assert look.unknown == ["a", "b"]
    assert look.holds_in("v1")
    assert look.completed("v1", [book("a")]) == {"a": book("a")}, "there is no b"
    look = memory.look(["a", "b", "c"])
    assert look.unknown == ["b", "c"]
    assert look.holds_in("v1")
    assert look.completed("v1", [book("c")]) == {"a": book("a"), "c": book("c")}
    look = memory.look(["a", "c"])
    assert look.unknown == []
    found = look.completed("v1", [])
    assert (found["a"], found["c"]) == (book("a"), book("c"))


def test_in_another_version_all_is_asked_again() -> None:
    memory = Memory()
    learnt(memory, "v1", book("a"), book("b"))
    look = memory.look(["a", "c"])
    assert not look.holds_in("v2")
    assert look.unknown == ["a", "c"]
    assert look.holds_in("v3"), "nothing is left out now"
    assert look.completed("v3", [book("a", 70)]) == {"a": book("a", 70)}
    assert memory.look(["a", "b"]).unknown == ["b"], "nothing of the version before is left"


def test_who_asked_for_everything_needs_no_version() -> None:
    memory = Memory()
    learnt(memory, "v1", book("a"))
    assert memory.look([]).holds_in(None)
    assert memory.look([]).holds_in("v2")
    assert memory.look(["a"]).holds_in("v1")
    assert not memory.look(["a"]).holds_in(None)


def test_a_look_that_began_before_a_change_keeps_its_version() -> None:
    """Another lane of the worker has learnt the next version meanwhile: this one's answer is of the version before."""
    memory = Memory()
    learnt(memory, "v1", book("a"), book("b"))
    look = memory.look(["a", "b", "c"])
    learnt(memory, "v2", book("a", 70))
    assert look.holds_in("v1")
    assert look.completed("v1", [book("c")]) == {"a": book("a"), "b": book("b"), "c": book("c")}


def test_details_are_read_where_they_are_asked_for_and_then_kept() -> None:
    memory = Memory()
    learnt(memory, "v1", book("a"))
    look = memory.look(["a"], whole=True)
    assert look.unknown == ["a"]
    assert look.completed("v1", [book("a", whole=True)])["a"].told() == DETAIL
    learnt(memory, "v1", book("b"))
    late = memory.look(["a", "b"])
    memory.learn("v1", [book("a")])
    assert late.unknown == []
    assert memory.look(["a"], whole=True).unknown == [], "a bare one does not take the place of a whole one"


def test_what_is_remembered_has_an_end() -> None:
    bare = weight(book("a"))
    memory = Memory(most_bytes=2 * bare)
    for name in "abc":
        learnt(memory, "v1", book(name))
    assert memory.look("abc").unknown == []
    look = memory.look("abcd")
    assert look.completed("v1", [book("d")]) == {name: book(name) for name in "abcd"}, "the look lacks nothing"
    assert memory.look("abcd").unknown == ["a", "b", "c"]
    assert weight(book("a", whole=True)) > bare + len(DETAIL.intro) + len("Jane Austen")


def test_what_is_read_again_is_counted_once() -> None:
    memory = Memory(most_bytes=2 * weight(book("a", whole=True)))
    for _ in range(9):
        memory.learn("v1", [book("a"), book("b")])
        memory.learn("v1", [book("a", whole=True)])
    assert memory.look("ab").unknown == []


def test_off_sale_are_those_that_are_not_there_or_not_sold_now() -> None:
    memory = Memory()
    learnt(memory, "v1", book("a"), book("b", active=False))
    look = memory.look(["a", "b", "c", "d"])
    assert look.off_sale("v1", msgspec.json.encode([book("c")]), NOW) == {"b", "d"}
    assert memory.look([]).off_sale(None, b"[]", NOW) == set()


def test_who_knows_all_as_always_on_sale_knows_it_in_that_version_alone() -> None:
    memory = Memory()
    learnt(memory, "v1", book("a"), book("b"))
    look = memory.look(["a", "b"])
    assert (look.unknown, look.off_sale("v1", b"[]", NOW)) == ([], set())
    assert not look.holds_in("v2")
    assert look.off_sale("v2", msgspec.json.encode([book("a"), book("b", active=False)]), NOW) == {"b"}


STEPS = st.lists(
    st.tuples(st.sampled_from(["change", "look", "late"]), st.sets(st.sampled_from("abcd")), st.booleans()), max_size=40
)


@given(STEPS, st.integers(1, 4000))
def test_looks_answer_what_the_catalogue_says(steps: list[tuple[str, set[str], bool]], most_bytes: int) -> None:
    """A model: a catalogue whose prices are its version's number, looks that are answered at once, and late ones."""
    memory = Memory(most_bytes)
    version = 0

    def read(names: list[str], whole: bool) -> list[Product]:
        return [book(name, version, whole=whole) for name in names if name != "d"]

    for what, names, whole in steps:
        look = memory.look(names, whole=whole)
        if what != "look":
            version += 1
        if what == "change":
            continue
        rows = read(look.unknown, whole)
        if not look.holds_in(str(version)):
            rows = read(look.unknown, whole)
        answered_in = version
        version += what == "late"
        found: Mapping[str, Product] = look.completed(str(answered_in), rows)
        assert {found[name].price for name in names - {"d"}} <= {answered_in}
        assert "d" not in found
        assert not whole or all(found[name].detail for name in names - {"d"})
