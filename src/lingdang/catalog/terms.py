"""The words that a product is found by, and the words of a search: the same folding on both sides.

Latin and other spaced scripts give whole words, found by any beginning of them. Chinese and Japanese have no
spaces: each two neighbouring characters are a term, and the last character alone, so that any part of a title
finds it. PostgreSQL needs no extension or dictionary for either: the terms are a `tsvector` as they stand.
"""

import re
import unicodedata

MAX_QUERY_TERMS = 16
"""The terms of a longer query beyond these are not looked at."""

_MAX_TERM = 64
_CJK = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"(?P<cjk>[{_CJK}]+)|[^\W_{_CJK}]+")
_INITIALS = re.compile(r"(?<!\w)(?:[a-z]\.\s?){2,}")
# Letters that Unicode does not decompose, and apostrophes, which stand inside a word.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_APOSTROPHES = str.maketrans("", "", "'’ʼ‘`")


def fold(text: str) -> str:
    """`text` without case, diacritics, width and other differences that a reader does not type."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare).casefold().translate(_LETTERS)


def document_terms(*texts: str) -> list[str]:
    """The distinct terms that a product with these texts is found by, in order."""
    terms: dict[str, None] = {}
    for text in texts:
        folded = fold(text)
        for run in _RUN.finditer(folded.translate(_APOSTROPHES)):
            terms.update(dict.fromkeys(_cjk_terms(run[0]) if run["cjk"] else (run[0][:_MAX_TERM],)))
        if "." in folded:  # "J.K. Rowling" is also found as "jk"
            terms.update(dict.fromkeys(re.sub(r"\W", "", found[0]) for found in _INITIALS.finditer(folded)))
    return list(terms)


def query_terms(query: str) -> list[str]:
    """The distinct terms that a product must all have, each as the beginning of one of its own."""
    terms: dict[str, None] = {}
    for run in _RUN.finditer(fold(query).translate(_APOSTROPHES)):
        pairs = _cjk_terms(run[0])[:-1] if run["cjk"] and len(run[0]) > 1 else [run[0][:_MAX_TERM]]
        terms.update(dict.fromkeys(pairs))
    return list(terms)[:MAX_QUERY_TERMS]


def tsquery(terms: list[str]) -> str:
    """The terms as the text of a `tsquery`. They hold letters and digits alone, so nothing needs escaping."""
    return " & ".join(f"'{term}':*" for term in terms)


def _cjk_terms(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run))]
