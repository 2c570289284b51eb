"""What a browser's translator does to a page: for every text node an element of the translator's."""

from playwright.async_api import Page

_WRAP = """(follow) => {
  const wrap = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) found.push(walker.currentNode);
    for (const node of found) {
      if (node.parentElement?.closest("font, script, style, textarea")) continue;
      const outer = document.createElement("font");
      const inner = outer.appendChild(document.createElement("font"));
      inner.textContent = node.data;
      node.replaceWith(outer);
    }
  };
  wrap(document.body);
  if (follow) {
    const observer = new MutationObserver((changes) => {
      for (const { target } of changes) if (target.isConnected) wrap(target);
    });
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  }
}"""


async def translate(page: Page, follow: bool) -> None:
    """Translate what is there; with `follow` also whatever comes after it, as long as the document is open."""
    await page.evaluate(_WRAP, follow)
