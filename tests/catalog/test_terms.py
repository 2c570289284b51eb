"""Search terms: what a reader may type, and that it finds what they mean."""

import unicodedata

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.terms import MAX_QUERY_TERMS, document_terms, query_terms, tsquery

LATIN = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x17F), min_size=1, max_size=20)
CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=20)
ANYTHING = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


def finds(query: str, *texts: str) -> bool:
    """As PostgreSQL matches prefixes, all of them."""
    terms = document_terms(*texts)
    asked = query_terms(query)
    return bool(asked) and all(any(term.startswith(q) for term in terms) for q in asked)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("bronte", "Emily Brontë"),
        ("BRONTË", "emily bronte"),
        ("jk row", "J.K. Rowling"),
        ("j.k. rowling", "J. K. Rowling"),
        ("sorcerers", "the Sorcerer's Stone"),
        ("sorcerer’s", "the Sorcerer's Stone"),
        ("nesbo", "Jo Nesbø"),
        ("strasse", "Die Straße"),
        ("ｈａｒｒｙ", "Harry"),
        ("哈利", "哈利·波特与魔法石"),
        ("魔法石", "哈利·波特与魔法石"),
        ("石", "哈利·波特与魔法石"),
        ("波特 rowling", "哈利·波特 J.K. Rowling"),
        ("ハリー", "ハリー・ポッター"),
        ("해리", "해리포터와 마법사의 돌"),
        ("الفيل", "الفيل الأزرق"),
        ("1984", "1984"),
    ],
)
def test_finds(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"), [("otter", "Harry Potter"), ("harry ron", "Harry Potter"), ("魔石", "魔法石"), ("!?", "What!?")]
)
def test_does_not_find(query: str, text: str) -> None:
    assert not finds(query, text)


@given(st.lists(LATIN, min_size=1, max_size=5), st.data())
def test_any_beginning_of_any_word_in_any_case_and_form_finds(words: list[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(words))
    typed = word[: data.draw(st.integers(1, len(word)))]
    form = data.draw(st.sampled_from([str.upper, str.lower, str.title, lambda t: unicodedata.normalize("NFD", t)]))
    assert not query_terms(typed) or finds(form(typed), " ".join(words))


@given(CHINESE, st.data())
def test_any_part_of_a_chinese_title_finds(title: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(title) - 1))
    end = data.draw(st.integers(start + 1, len(title)))
    if len(query_terms(title[start:end])) < MAX_QUERY_TERMS:
        assert finds(title[start:end], f"新 {title} book")


@given(ANYTHING)
def test_every_text_finds_itself(text: str) -> None:
    assert not query_terms(text) or finds(text, text)


@given(st.text(max_size=300))
def test_a_query_is_bounded(text: str) -> None:
    assert len(query_terms(text)) <= MAX_QUERY_TERMS
    assert all(0 < len(term) <= 64 for term in query_terms(text))


def test_postgresql_takes_every_term_and_matches_alike(database_url: str) -> None:
    """No text makes a term that PostgreSQL reads differently."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        @given(ANYTHING, ANYTHING)
        def check(query: str, text: str) -> None:
            asked = query_terms(query)
            if not asked:
                return
            row = connection.execute(
                "SELECT array_to_tsvector(string_to_array(%b, ' ')) @@ %b::text::tsquery",
                (" ".join(document_terms(text, query[:20])), tsquery(asked)),
            ).fetchone()
            assert row == (finds(query, text, query[:20]),)

        check()
