"""Search terms: what a reader may type, and that it finds what they mean."""

import unicodedata

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.terms import (
    MARK,
    MAX_QUERY_TERMS,
    _is_letter,
    fold,
    product_terms,
    query_terms,
    search_of,
    title_term,
)

LATIN = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x17F), min_size=1, max_size=20)
CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=20)
ANYTHING = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


def finds(query: str, title: str, publisher: str = "", authors: str = "") -> bool:
    """As PostgreSQL matches: of each group one term, as the beginning of one; a letter as the whole, but the last."""
    terms = product_terms(title, publisher, authors)
    groups = query_terms(fold(query))

    def met(place: int, term: str) -> bool:
        whole = _is_letter(term) and place < len(groups) - 1
        return any(found == term if whole else found.startswith(term) for found in terms)

    return bool(groups) and all(any(met(place, term) for term in group) for place, group in enumerate(groups))


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
        ("哈利波特", "哈利·波特与魔法石"),
        ("利波", "哈利·波特与魔法石"),
        ("三体死神永生", "三体Ⅲ：死神永生"),
        ("三体III 死神", "三体Ⅲ：死神永生"),
        ("三体：死神永生", "三体死神永生"),
        ("老人与海", "老人 与 海"),
        ("老人与海", "老人・与—海"),
        ("老 人、与海", "老人与海"),
        ("ハリーポッター", "ハリー・ポッター"),
        ("ﾊﾘｰﾎﾟｯﾀｰ", "ハリー・ポッター"),
        ("はりー", "ハリー・ポッター"),
        ("リーポ", "ハリー・ポッター"),
        ("コンピューター入門", "コンピュータ入門"),
        ("コンピュータ入門", "コンピューター入門"),
        ("サーバ構築", "サーバー構築"),
        ("ラーメン", "ラ−メン大全"),
        ("ラ—メン大全", "ラーメン大全"),
        ("ไทย", "ภาษาไทยง่าย"),
        ("ภาษาไทย", "เรียน ภาษา-ไทย"),
        ("ລາວ", "ພາສາລາວ"),
        (unicodedata.normalize("NFD", "ポッター"), "ハリー・ポッター"),
        ("時間簡史", "时间简史"),
        ("时间简史", "時間簡史"),
        ("乾坤", "乾坤"),
        ("皇后", "皇後"),
        ("葛城", "葛󠄀城"),
        ("포터와", "해리 포터와 마법사의 돌"),
        ("해리포터", "해리 포터와 마법사의 돌"),
        ("étranger", "L'Étranger"),
        ("etranger", "L’Étranger"),
        ("L'Étranger", "l´étranger"),
        ("l’etranger", "L'Étranger"),
        ("letranger", "L'Étranger"),
        ("Artagnan", "D'Artagnan"),
        ("d'artagnan", "Dartagnan"),
        ("dartagnan", "D`Artagnan"),
        ("spiderman", "Spider-Man"),
        ("spider man", "Spider-Man"),
        ("spider man", "Spiderman"),
        ("spider-man", "Spiderman"),
        ("spider‐man", "Spider Man"),
        ("Ｓｐｉｄｅｒ", "Spider-Man"),
        ("spi", "Spider-Man"),
        ("xmen", "X-Men"),
        ("in the box", "Jack-in-the-box"),
        ("inthebox", "Jack-in-the-box"),
        ("harry", "Har\u00adry \u200bPot\u200dter"),
        ("potter", "Har\u00adry \u200bPot\u200dter"),
        ("c++", "C++"),
        ("C＋＋", "The C++ Programming Language"),
        ("c++", "C++程序设计"),
        ("c#", "C♯ in Depth"),
        (".net", "Pro ASP.NET Core"),
        ("(.NET)", "Pro .NET"),
        ("net", "Pro .NET"),
        ("...and justice", "And Justice for All"),
        ("c", "C++"),
        ("potter, harry!", "Harry Potter"),
        ("c programming", "Programming in C"),
    ],
)
def test_finds(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("otter", "Harry Potter"),
        ("harry ron", "Harry Potter"),
        ("魔石", "魔法石"),
        ("!?", "What!?"),
        ("c++", "C# in Depth"),
        ("c#", "C++"),
        (".net", "The Net"),
        ("c dune", "Cats of Dune"),
        ("ハハ", "パパ"),
    ],
)
def test_does_not_find(query: str, text: str) -> None:
    assert not finds(query, text)


@given(st.lists(LATIN, min_size=1, max_size=5), st.data())
def test_any_beginning_of_any_word_in_any_case_and_form_finds(words: list[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(words))
    typed = word[: data.draw(st.integers(1, len(word)))]
    form = data.draw(st.sampled_from([str.upper, str.lower, str.title, lambda t: unicodedata.normalize("NFD", t)]))
    assert not query_terms(fold(typed)) or finds(form(typed), " ".join(words))


@given(CHINESE, st.data())
def test_any_part_of_a_chinese_title_finds(title: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(title) - 1))
    end = data.draw(st.integers(start + 1, len(title)))
    assert finds(title[start:end], f"新 {title[:start]}·{title[start:]} book")


@given(ANYTHING)
def test_every_text_finds_itself(text: str) -> None:
    assert not query_terms(fold(text)) or finds(text, text)


@given(st.text(max_size=300))
def test_a_query_is_bounded(text: str) -> None:
    groups = query_terms(fold(text))
    assert len(groups) <= MAX_QUERY_TERMS
    assert all(0 < len(term) <= 64 for group in groups for term in group)
    assert all(0 < len(group) <= 4 for group in groups)


@given(st.text(max_size=300))
def test_a_products_terms_are_bounded(text: str) -> None:
    terms = product_terms(text, "", "")
    assert all(0 < len(term) <= 64 for term in terms)
    assert len(terms) <= 10 * len(fold(text)) + 1


@pytest.mark.parametrize(
    ("title", "same", "others"),
    [
        ("C++", ["c++", "Ｃ＋＋", " C++ "], ["C", "C#", "C++ Primer"]),
        (".NET", [".net"], ["NET"]),
        ("Spider-Man", ["spider man", "SPIDERMAN"], ["Spider"]),
        ("時間簡史", ["时间简史", "时间·简史"], ["时间"]),
        ("!!!", ["!!!", "! ! !"], ["!!", "?"]),
    ],
)
def test_a_whole_title_has_a_term_of_its_own(title: str, same: list[str], others: list[str]) -> None:
    term = title_term(fold(title))
    assert term is not None
    assert term.startswith(MARK)
    assert {title_term(fold(each)) for each in same} == {term}
    assert term not in {title_term(fold(each)) for each in others}


def test_postgresql_takes_every_term_and_matches_alike(database_url: str) -> None:
    """No text makes a term that PostgreSQL reads differently, from an array or as a tsvector's text."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        @given(ANYTHING, ANYTHING)
        def check(query: str, text: str) -> None:
            words, _, parted = search_of(query)
            if words is None:
                return
            connection.execute("SELECT %b::text::tsquery", (parted,))
            terms = " ".join(product_terms(text, query[:20], ""))
            row = connection.execute(
                "SELECT s @@ %b::text::tsquery, s = %b::text::tsvector"
                "  FROM array_to_tsvector(string_to_array(%b, ' ')) AS s",
                (words, terms, terms),
            ).fetchone()
            assert row == (finds(query, text, query[:20]), True)

        check()
