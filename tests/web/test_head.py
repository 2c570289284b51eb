"""The head of a product's page: what a search engine reads of it, and that no product's words are more than words."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from lingdang.catalog.products import ProductView
from lingdang.web.assets import STATIC
from lingdang.web.head import LONGEST, Headed, description_of

SITE = "https://shop.example"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
BOOK = ProductView(
    product_id="emma",
    title="Emma",
    currency="BELL",
    price=300,
    list_price=400,
    publisher="Longhill",
    intro="Handsome, clever, and rich.",
    cover_url="https://covers.example/emma.jpg",
    attributes={},
    on_sale_from=None,
    on_sale_until=None,
    status="active",
    popularity=1,
    available=True,
    created_at=NOW,
    updated_at=NOW,
)
EVIL = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!--<script>",
    "</title><base href=//evil.example>",
    "' onload='alert(1)",
    "a\u2028b\u2029c & &lt; ]]>",
)


@dataclass
class Read(HTMLParser):
    """A page as a reader of its markup has it: every tag with its attributes, and the texts of title and data."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = "data" if dict(attrs).get("type") == "application/ld+json" else tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._within] = self.texts.get(self._within, "") + data

    def named(self, name: str) -> dict[str, str | None]:
        """The contents of the document's `meta` elements by the attribute that names them."""
        return {str(each[name]): each["content"] for tag, each in self.tags if tag == "meta" and name in each}

    @property
    def linked(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts["data"])
        return found


def read(page: str) -> Read:
    found = Read()
    found.feed(page)
    found.close()
    return found


DOCUMENT = (STATIC / "index.html").read_text(encoding="utf-8")


def headed(product: ProductView, site: str = SITE) -> Read:
    return read(Headed(DOCUMENT).of(product, site).decode())


def test_a_search_engine_reads_what_the_book_is_and_costs() -> None:
    page = headed(BOOK)
    assert page.texts["title"] == "Emma · 铃铛书店 Lingdang"
    assert page.named("name")["description"] == "Handsome, clever, and rich."
    assert ("link", {"rel": "canonical", "href": f"{SITE}/products/emma"}) in page.tags
    graph = page.named("property")
    assert graph["og:url"] == f"{SITE}/products/emma"
    assert graph["og:image"] == "https://covers.example/emma.jpg"
    assert (graph["product:price:amount"], graph["product:price:currency"]) == ("300", "BELL")
    assert (page.linked["@type"], page.linked["name"], page.linked["sku"]) == ("Product", "Emma", "emma")
    assert page.linked["offers"] == {
        "@type": "Offer",
        "url": f"{SITE}/products/emma",
        "price": 300,
        "priceCurrency": "BELL",
        "availability": "https://schema.org/InStock",
    }


@pytest.mark.parametrize("evil", EVIL)
def test_no_words_of_a_product_are_markup(evil: str) -> None:
    product = msgspec.structs.replace(
        BOOK, title=evil, publisher=evil, intro=evil, cover_url=f"https://x.example/{evil}"
    )
    page, plain = headed(product), headed(BOOK)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(each) for _, each in page.tags] == [sorted(each) for _, each in plain.tags]
    assert page.texts["title"] == f"{evil} · 铃铛书店 Lingdang"
    assert page.linked["name"] == evil
    assert page.linked["brand"]["name"] == evil
    assert page.named("property")["og:title"] == evil


def test_the_rest_of_the_document_stays() -> None:
    own, page = read(DOCUMENT), headed(BOOK)
    kept = [each for each in own.tags if each[0] in ("script", "link")]
    assert [each for each in page.tags if each in kept] == kept
    assert sum(tag == "title" for tag, _ in page.tags) == 1


def test_what_cannot_be_bought_says_so() -> None:
    withdrawn = msgspec.structs.replace(BOOK, available=False, status="withdrawn")
    to_come = msgspec.structs.replace(BOOK, available=False)
    assert headed(withdrawn).linked["offers"]["availability"] == "https://schema.org/Discontinued"
    assert headed(to_come).linked["offers"]["availability"] == "https://schema.org/OutOfStock"


def test_what_there_is_not_is_left_out() -> None:
    page = headed(msgspec.structs.replace(BOOK, publisher=None, cover_url=None, intro=""), site="")
    assert page.named("name")["description"] == "Emma"
    assert page.linked.keys().isdisjoint({"brand", "image"})
    assert page.named("property").keys().isdisjoint({"og:image", "og:url"})
    assert ("link", {"rel": "canonical", "href": "/products/emma"}) in page.tags


def test_a_long_introduction_is_shortened_and_one_line() -> None:
    said = description_of(msgspec.structs.replace(BOOK, intro="word \n\n" * 200))
    assert len(said) <= LONGEST
    assert said.endswith("word…")
    assert "\n" not in said
