"""Which encoding bytes are in: told where it can be told, refused where a reader would see nonsense."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.encodings import Encoding, EncodingError, codec_for, decoded

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        text = decoded(data)
    except EncodingError:
        return
    assert not text.startswith("\ufeff")


@given(TEXT)
def test_what_is_utf8_is_read_as_utf8(text: str) -> None:
    """Whatever else its bytes might be; but zero bytes are left to UTF-16."""
    text = text.replace("\0", "")
    assert codec_for(BytesIO(text.encode()), "utf-8") == "utf-8-sig"
    assert decoded(text.encode()) == text.lstrip("\ufeff")


@given(st.binary(), st.sampled_from(["gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1252", "utf-16"]))
def test_a_codec_that_is_granted_reads_the_whole_file(data: bytes, encoding: Encoding) -> None:
    try:
        codec = codec_for(BytesIO(data), encoding)
    except EncodingError:
        return
    data.decode(codec)


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_few_lines_that_are_not_utf8_spoil_themselves_alone(lines: int) -> None:
    """Fewer than three, that is: from three on the file is another encoding's."""
    file = BytesIO(b"id,name\n" + b"1,caf\xe9\n" * lines)
    if lines < 3:
        assert codec_for(file, "utf-8") == "utf-8-sig"
    else:
        with pytest.raises(EncodingError, match=r"not UTF-8 \(line 2\): save it"):
            codec_for(file, "utf-8")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "cp1252"])
def test_a_whole_text_is_decoded(codec: str) -> None:
    text = "Un café, s'il vous plaît.\n" if codec == "cp1252" else "第一章 Chapter One\n\n铃铛响过，书页翻开。"
    assert decoded(text.encode(codec)) == text


def test_one_broken_character_does_not_take_a_text_away() -> None:
    assert decoded("铃铛\n响过\n".encode() + b"\xe9") == "铃铛\n响过\n�"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(EncodingError):
        decoded(b"\x81\x8d\xff\xfe\x90")


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-32-be", "utf-32-le", "gb18030"])
def test_no_text_begins_with_a_byte_order_mark(codec: str) -> None:
    assert decoded(("\ufeff第一章 Chapter One，铃铛响过。\n" * 3).encode(codec)).startswith("第一章")
    assert decoded(("\ufeff\ufeff第一章 Chapter One，铃铛响过。").encode(codec)).startswith("第一章")


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("big5", "第一章 隕落的天才\n少年面無表情，嘴角有著一抹自嘲。\n"),
        ("cp932", "吾輩は猫である。名前はまだ無い。\n"),
        ("euc_jp", "吾輩は猫である。名前はまだ無い。\n"),
        ("cp1251", "Война и мир\n"),
        ("koi8-r", "Война и мир\n"),
    ],
)
def test_a_text_that_would_make_no_sense_is_refused(codec: str, text: str) -> None:
    with pytest.raises(EncodingError, match="save it as UTF-8"):
        decoded((text * 4).encode(codec))
