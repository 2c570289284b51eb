"""The words that a product is found by, and the words of a search: the same folding on both sides.

Latin and other spaced scripts give words, found by any beginning of them; words that stand together without a space
(*Spider-Man*, *L'Étranger*) are found as one word too. Chinese, Japanese and Korean are found by any part: each two
neighbouring characters are a term, whatever stands between them, and the last character alone; so are Thai, Lao, Khmer
and Burmese, whose words stand without spaces too. The long vowel mark of kana counts as nothing: コンピューター is
コンピュータ, and whatever dash is written for it. PostgreSQL needs no
extension or dictionary for either: the terms are a `tsvector` as they stand.
"""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

MAX_QUERY_TERMS = 16
"""The words of a longer query beyond these are not looked at."""

MARK = "=2"
"""Begins the one term that stands for a whole title, and says how a product's terms were made: another number for
another way of making them. Older ones are made anew (lingdang.catalog.renewal); the index of them names it."""

_MAX_TERM = 64
_MOST_JOINED = 8
_LEAST_JOINED = 3
_LONGEST_PARTED = 24
_MOST_PARTED = 4

# Chinese characters, kana, hangul, Thai, Lao, Burmese and Khmer, without the signs that stand among them.
_UNSPACED = (
    "\u0e01-\u0e2e\u0e30-\u0e4e\u0e81-\u0eae\u0eb0-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1780-\u17b3\u17b6-\u17d3"
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_CHUNK = re.compile(rf"[^\s{_UNSPACED}]+")
_WORD = re.compile(r"[^\W_]+")
_PLAIN = re.compile("[a-z0-9 ]*")  # nothing but words of ASCII
_ASCII_WORD = re.compile("[a-z0-9]+")  # the same for ASCII, three times as fast
# Signs that make another name of a word: C++, C#, Notepad++, .NET. A single + or # stands at its end.
_SIGNED = r"[^\W_]+(?:\+\+|[+#](?![^\W_]))"
_SIGNED_OR_DOTTED = re.compile(rf"{_SIGNED}|\.[^\W\d_]{{2,}}")
_QUERY_WORD = re.compile(rf"{_SIGNED}|(?<![\w.])\.[^\W\d_]{{2,}}|[^\W_]+")
_SIGNS = re.compile("[+#.]")
_INITIALS = re.compile(r"\b(?:[a-z]\. ){1,}[a-z]\.")
_DOTS = re.compile("[. ]")

# Before Unicode takes characters apart: apostrophes of all kinds are one, and what does not show is not there.
_UNSEEN = (0xAD, 0x34F, 0x61C, 0x640, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
_UNSEEN += (0xFEFF, *range(0xFE00, 0xFE10), *range(0xE0000, 0xE01F0))
_BEFORE: dict[int, str | None] = dict.fromkeys(_UNSEEN) | dict.fromkeys(map(ord, "’‘‛′ʼʹʻ´`＇"), "'") | {ord("♯"): "#"}
_VOICED = "\u3099\u309a"

# Letters that people without them on their keyboard write as two: Mueller, Aarhus. Short words are too often others.
_AS_TWO = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_TWO = re.compile("([aou])e|(a)a")
_LEAST_WITH_TWO = 5


def _after() -> dict[int, str | None]:
    """Letters that Unicode does not take apart; katakana as hiragana; traditional characters as simplified ones."""
    folded = _BEFORE | {
        ord(letter): to for letter, to in {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "þ": "th", "ð": "d"}.items()
    }
    folded |= {ord("æ"): "ae", ord("œ"): "oe"}
    folded |= {code: chr(code - 0x60) for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
    folded |= {0x30FC: None}
    lines = Path(__file__).with_name("simplified.txt").read_text(encoding="utf-8").splitlines()
    pairs = "".join(line for line in lines if not line.startswith("#"))
    return folded | dict(zip(map(ord, pairs[::2]), pairs[1::2], strict=True))


_AFTER = _after()


class Search(NamedTuple):
    """What a query asks for, as texts of `tsquery`; None where it asks for nothing of the kind.

    `words`: all of these; `title`: the products whose whole title it is. `parted`: the words, of which each long one
    may be two of the product's (*spiderman* for *The Amazing Spider Man*), for when nothing has them as they stand.
    """

    words: str | None
    title: str | None
    parted: str | None


def fold(text: str) -> str:
    """`text` without case, diacritics, width, script of the same word and other differences that a reader ignores."""
    if text.isascii():
        return text.lower().replace("`", "'")
    decomposed = unicodedata.normalize("NFKD", text.translate(_BEFORE))
    decomposed = unicodedata.normalize("NFKD", decomposed.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter) or letter in _VOICED)
    return unicodedata.normalize("NFKC", bare).casefold().translate(_AFTER).lower()


def product_terms(title: str, publisher: str, authors: str) -> list[str]:
    """The distinct terms that a product is found by, in order."""
    folded = fold(title)
    terms = dict.fromkeys(_text_terms(folded))
    for text in (publisher, authors):
        if text:
            terms.update(dict.fromkeys(_terms_of_many(text)))
    return [*terms, title_term(folded) or MARK]


@lru_cache(maxsize=10_000)
def _terms_of_many(text: str) -> list[str]:
    """The terms of what many products share: a publisher, an author."""
    return _text_terms(fold(text))


def title_term(folded: str) -> str | None:
    """The term of a whole title: a short hash of its words with their signs; of its signs where it has no words."""
    whole = folded.replace(" ", "") if _PLAIN.fullmatch(folded) else "".join(_QUERY_WORD.findall(folded))
    whole = whole or "".join(folded.split())
    if not whole:
        return None
    return MARK + blake2b(whole.encode(), digest_size=5).hexdigest()


def _text_terms(folded: str) -> list[str]:
    terms: list[str] = []
    if not folded.isascii():
        unspaced = "".join(_RUN.findall(folded))
        terms += [*map("".join, pairwise(unspaced)), *unspaced[-1:]]
    if _PLAIN.fullmatch(folded):
        return terms + [word[:_MAX_TERM] for word in folded.split()]
    for chunk in _CHUNK.findall(folded):
        terms += _chunk_terms(chunk)
    if ". " in folded:  # "J. K. Rowling" is also found as "jk"
        terms += (_DOTS.sub("", initials)[:_MAX_TERM] for initials in _INITIALS.findall(folded))
    return terms


def _chunk_terms(chunk: str) -> list[str]:
    """The words of a text without spaces, what they are together, from each of them on, and those with signs."""
    words = (_ASCII_WORD if chunk.isascii() else _WORD).findall(chunk)
    terms = [word[:_MAX_TERM] for word in words]
    terms += ["".join(words[first:])[:_MAX_TERM] for first in range(min(len(words) - 1, _MOST_JOINED))]
    if _SIGNS.search(chunk):
        terms += [term[:_MAX_TERM] for term in _SIGNED_OR_DOTTED.findall(chunk)]
    return terms


def search_of(query: str) -> Search:
    """What `query` asks for: all of its words, each as the beginning of a word or as a part of a text without spaces.

    A word of one letter is a whole word, unless it is the last one: of so many words as begin with a letter, an index
    reads no more than once.
    """
    folded = fold(query)
    groups = query_terms(folded)
    if not query.isascii():
        as_two = query_terms(fold(unicodedata.normalize("NFC", query).lower().translate(_AS_TWO)))
        if len(as_two) == len(groups):
            groups = [group + other for group, other in zip(groups, as_two, strict=True)]
    words = [_any_of(group, beginning=group is groups[-1]) for group in groups]
    title = title_term(folded)
    return Search(" & ".join(words) or None, None if title is None else f"'{title}'", _parted(groups, words))


def _parted(groups: list[list[str]], words: list[str]) -> str | None:
    """The search in which each long word may be two whole words; None where that is no other search."""
    if len(groups) > _MOST_PARTED:
        return None
    either = [_or_in_two(group[0], word) for group, word in zip(groups, words, strict=True)]
    return None if either == words else " & ".join(either)


def _or_in_two(term: str, word: str) -> str:
    if not (term.isalpha() and 2 * _LEAST_JOINED <= len(term) <= _LONGEST_PARTED) or _RUN.match(term):
        return word
    places = range(_LEAST_JOINED, len(term) - _LEAST_JOINED + 1)
    return f"({word} | " + " | ".join(f"('{term[:at]}' & '{term[at:]}')" for at in places) + ")"


def query_terms(folded: str) -> list[list[str]]:
    """What a product must all have: of each group one of the terms."""
    groups: list[list[str]] = []
    for piece in re.findall(rf"[{_UNSPACED}]+|[^\s{_UNSPACED}]+", folded):
        if _RUN.match(piece):
            groups += [[pair] for pair in map("".join, pairwise(piece))] if len(piece) > 1 else [[piece]]
        else:
            groups += _chunk_groups(piece)
    return _joined_over_spaces(groups[:MAX_QUERY_TERMS], folded)


def _chunk_groups(chunk: str) -> list[list[str]]:
    """A group for each word; any of them may also be met as all of them together (Spiderman for *spider-man*)."""
    words = [word[:_MAX_TERM] for word in _QUERY_WORD.findall(chunk)]
    together = "".join(words)[:_MAX_TERM]
    return (
        [[word, together] for word in words] if len(words) > 1 and not _SIGNS.search(together) else [[w] for w in words]
    )


def _joined_over_spaces(groups: list[list[str]], folded: str) -> list[list[str]]:
    """Two words may be one word of the product: *spider man* for Spiderman. Not those of few letters: *the re*."""
    for left, right in pairwise(groups):
        one = f"{left[0]} {right[0]}"
        if min(len(left[0]), len(right[0])) >= _LEAST_JOINED and one in folded:
            together = (left[0] + right[0])[:_MAX_TERM]
            left.append(together)
            right.append(together)
    return groups


def _is_letter(term: str) -> bool:
    return len(term) == 1 and not _RUN.match(term)


def _any_of(terms: list[str], *, beginning: bool) -> str:
    """One of the terms, as the text of a `tsquery`. None of them has a quote or a backslash."""
    either = dict.fromkeys(f"'{term}'" if _is_letter(term) and not beginning else f"'{term}':*" for term in terms)
    either |= dict.fromkeys(f"'{_with_one(term)}'" for term in terms if _has_two(term))
    return next(iter(either)) if len(either) == 1 else f"({' | '.join(either)})"


def _with_one(term: str) -> str:
    return _TWO.sub(r"\1\2", term)


def _has_two(term: str) -> bool:
    """Whether it may be a word with an umlaut, written without."""
    return len(term) >= _LEAST_WITH_TWO and _TWO.search(term) is not None
