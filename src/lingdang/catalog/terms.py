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
_RUN = re.compile(rf"[^\W_{_CJK}]+|[{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]").match
_INITIALS = re.compile(r"\b(?:[a-z]\. ?){2,}")
_APOSTROPHES = re.compile("['’ʼ‘`]")
# Letters that Unicode does not decompose.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def fold(text: str) -> str:
    """`text` without case, diacritics, width, apostrophes and other differences that a reader does not type."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
        text = unicodedata.normalize("NFKC", bare).casefold().translate(_LETTERS)
    return _APOSTROPHES.sub("", text.lower())


def document_terms(*texts: str) -> list[str]:
    """The distinct terms that a product with these texts is found by, in order."""
    folded = fold("\0".join(texts))
    terms: dict[str, None] = {}
    for run in _RUN.findall(folded):
        if run.isascii() or not _IS_CJK(run):
            terms[run[:_MAX_TERM]] = None
        else:
            terms.update(dict.fromkeys(_pairs(run)))
            terms[run[-1]] = None
    if "." in folded:  # "J.K. Rowling" is also found as "jk"
        for initials in _INITIALS.findall(folded):
            terms[initials.replace(".", "").replace(" ", "")[:_MAX_TERM]] = None
    return list(terms)


def query_terms(query: str) -> list[str]:
    """The distinct terms that a product must all have, each as the beginning of one of its own."""
    terms: dict[str, None] = {}
    for run in _RUN.findall(fold(query)):
        terms.update(dict.fromkeys(_pairs(run) if _IS_CJK(run) and len(run) > 1 else [run[:_MAX_TERM]]))
    return list(terms)[:MAX_QUERY_TERMS]


def tsquery(terms: list[str]) -> str:
    """The terms as the text of a `tsquery`. They hold letters and digits alone, so nothing needs escaping."""
    return " & ".join(f"'{term}':*" for term in terms)


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
