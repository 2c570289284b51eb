"""What is worth to be put anywhere: libFuzzer's dictionary."""

from pathlib import Path

WORDS = (
    *(
        "null",
        "true",
        "false",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "nan",
        '""',
        "[]",
        "{}",
        "[[",
        "{{",
        "0",
        "-0",
        "-1",
        "1.0",
    ),
    *(
        "1e400",
        "1e308",
        "-1e400",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "9" * 40,
        "0x1",
    ),
    *(
        str(2**53),
        str(2**53 + 1),
        "253402300800",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
    ),
    *(
        "\0",
        "\\u0000",
        "\\ud800",
        "\\udfff",
        "\ufeff",
        "\u2028",
        "ſ",
        "K",
        "İ",
        "\r",
        "\r\n",
        "\t",
        '"',
        '""',
        "\\",
        "'",
    ),
    *(
        "=",
        "==",
        "+",
        "/",
        "-",
        "_",
        ".",
        "..",
        "&",
        "&key=",
        "%00",
        "A256GCM",
        "none",
        "HS256",
        "DEF",
        '"crit":["b64"]',
    ),
    *(
        '"alg":"none"',
        '"kid":"k2"',
        '"jwk":{}',
        '"b64":false',
        '"aud":[]',
        '"exp":',
        '"nbf":',
        '"kty":"RSA"',
        '"e":"AQAB"',
    ),
)


def write_dictionary(path: Path) -> Path:
    """The words in libFuzzer's form, each byte as a number."""
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"' for word in dict.fromkeys(WORDS)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
