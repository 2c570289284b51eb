"""What commands print: a line for each value, or JSON on one line."""

import json

import pytest

from lingdang.cli.printing import print_all, print_one


@pytest.mark.parametrize(("as_json", "printed"), [(False, "<1>\n<2>\n"), (True, "[1,2]\n")])
def test_values_are_printed_a_line_each_or_as_one_array(
    capsys: pytest.CaptureFixture[str], as_json: bool, printed: str
) -> None:
    print_all([1, 2], as_json, lambda value: f"<{value}>")
    assert capsys.readouterr().out == printed


def test_one_value_is_a_line_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_one({"name": "铃铛"}, False, lambda value: value["name"])
    print_one({"name": "铃铛"}, True, lambda value: value["name"])
    line, told = capsys.readouterr().out.splitlines()
    assert (line, json.loads(told)) == ("铃铛", {"name": "铃铛"})
