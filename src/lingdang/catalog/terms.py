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
_ASCII_RUN = re.compile("[a-z0-9]+")  # the same for ASCII, three times as fast
_IS_CJK = re.compile(f"[{_CJK}]").match
_INITIALS = re.compile(r"\b(?:[a-z]\. ?){2,}")
_DOTS = re.compile("[. ]")
_APOSTROPHES = re.compile("['’ʼ‘`]")
# Letters that Unicode does not decompose.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def fold(text: str) -> str:
    """`text` without case, diacritics, width, apostrophes and other differences that a reader does not type."""
    if text.isascii():
        return text.lower().replace("'", "").replace("`", "")
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _APOSTROPHES.sub("", unicodedata.normalize("NFKC", bare).casefold().translate(_LETTERS).lower())


def document_terms(*texts: str) -> list[str]:
    """The distinct terms that a product with these texts is found by, in order."""
    terms: dict[str, None] = {}
    for text in texts:
        if text:
            terms.update(dict.fromkeys(_text_terms(text)))
    return list(terms)


def _text_terms(text: str) -> list[str]:
    folded = fold(text)
    terms = _runs(folded)
    if len(folded) > _MAX_TERM or not folded.isascii():
        terms = [term for run in terms for term in _run_terms(run)]
    if "." in folded:  # "J.K. Rowling" is also found as "jk"
        terms += (_DOTS.sub("", initials)[:_MAX_TERM] for initials in _INITIALS.findall(folded))
    return terms


def _run_terms(run: str) -> list[str]:
    return [run[:_MAX_TERM]] if run.isascii() or not _IS_CJK(run) else [*_pairs(run), run[-1]]


def query_terms(query: str) -> list[str]:
    """The distinct terms that a product must all have, each as the beginning of one of its own."""
    terms: dict[str, None] = {}
    for run in _runs(fold(query)):
        terms.update(dict.fromkeys(_pairs(run) if _IS_CJK(run) and len(run) > 1 else [run[:_MAX_TERM]]))
    return list(terms)[:MAX_QUERY_TERMS]


def tsquery(terms: list[str]) -> str:
    """The terms as the text of a `tsquery`. They hold letters and digits alone, so nothing needs escaping."""
    return " & ".join(f"'{term}':*" for term in terms)


def _runs(folded: str) -> list[str]:
    return (_ASCII_RUN if folded.isascii() else _RUN).findall(folded)


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
