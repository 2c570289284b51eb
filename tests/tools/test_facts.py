"""What `python -m tools.facts` counts."""

import grimp
from click.testing import CliRunner

from tools.facts import circles, functions, main

TEXT = """
def outer():
    '''Words.'''
    def inner(): return 1

    return inner

class Thing:
    async def method(self):
        pass
"""


def test_functions_are_measured_from_their_first_line_to_their_last() -> None:
    assert sorted(functions(TEXT)) == [(1, "inner"), (2, "method"), (5, "outer")]


def test_a_module_in_a_circle_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "b")):
        graph.add_import(importer=importer, imported=imported)
    assert sorted(set(circles(graph))) == ["b", "c"]


def test_the_code_has_no_circle() -> None:
    answer = CliRunner().invoke(main)
    assert answer.exit_code == 0
    assert "Modules in circles of imports: 0" in answer.output
