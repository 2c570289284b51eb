"""What search engines and previews read of a product: the head of its page, made by the server.

Whatever a catalogue says is untrusted: it stands in attributes and in a data block, and ends neither.
"""

from html import escape
from typing import Any

import msgspec

from lingdang.catalog.products import ProductView

SHOP = "铃铛书店 Lingdang"
LONGEST = 200
"""Characters of a description; who shows one shows fewer."""

_SCHEMA = "https://schema.org/"
_APART = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})
"""Of JSON in a page: `</script>` and `<!--` would be read by the page before the JSON is."""


class Headed:
    """The shop's document, with a product's head in the place of its own."""

    def __init__(self, document: str) -> None:
        self._before, start, rest = document.partition('<meta name="description"')
        _, end, self._after = rest.partition("</title>")
        if not (start and end):
            raise ValueError("The document has no description with a title after it")

    def of(self, product: ProductView, site: str) -> bytes:
        """The document for one product. `site` is the shop's origin; without one addresses are relative."""
        return (self._before + head_of(product, site) + self._after).encode()


def head_of(product: ProductView, site: str) -> str:
    """Title, description, canonical address, Open Graph and JSON-LD (schema.org's Product with an Offer)."""
    address, said = f"{site}/products/{product.product_id}", description_of(product)
    graph = {
        "og:type": "product",
        "og:site_name": SHOP,
        "og:title": product.title,
        "og:description": said,
        "og:url": address if site else "",
        "og:image": product.cover_url or "",
        "product:price:amount": str(product.price),
        "product:price:currency": product.currency,
    }
    return "\n    ".join(
        [
            f'<meta name="description" content="{escape(said)}" />',
            f"<title>{escape(product.title)} · {SHOP}</title>",
            f'<link rel="canonical" href="{escape(address)}" />',
            *(f'<meta property="{name}" content="{escape(value)}" />' for name, value in graph.items() if value),
            f'<script type="application/ld+json">{_data(_linked(product, said, address))}</script>',
        ]
    )


def description_of(product: ProductView) -> str:
    """The introduction in one line, shortened; without one the title and the publisher."""
    line = " ".join(product.intro.split()) or " · ".join(filter(None, (product.title, product.publisher)))
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _linked(product: ProductView, said: str, address: str) -> dict[str, Any]:
    """A currency of the platform's own is named as schema.org allows it, by its name."""
    more = {"image": product.cover_url, "brand": product.publisher and {"@type": "Brand", "name": product.publisher}}
    return {
        "@context": _SCHEMA,
        "@type": "Product",
        "name": product.title,
        "description": said,
        "sku": product.product_id,
        "url": address,
        **{name: value for name, value in more.items() if value},
        "offers": {
            "@type": "Offer",
            "url": address,
            "price": product.price,
            "priceCurrency": product.currency,
            "availability": _SCHEMA + _availability(product),
        },
    }


def _availability(product: ProductView) -> str:
    if product.available:
        return "InStock"
    return "Discontinued" if product.status == "withdrawn" else "OutOfStock"


def _data(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode().translate(_APART)
