"""`python -m tools.facts`: how large the code is, how long its functions are, and whether imports run in circles."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import click
import grimp

import lingdang

_SOURCE = Path(lingdang.__file__).parent


def functions(text: str) -> Iterator[tuple[int, str]]:
    """Each function of a module: its lines, from `def` to its end, and its name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, node.name


def circles(graph: grimp.ImportGraph) -> list[str]:
    """Modules that import themselves by way of others."""
    return sorted(
        module
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.find_shortest_chain(imported, module) is not None
    )


@click.command()
def main() -> None:
    """Print the facts."""
    texts = {path.relative_to(_SOURCE): path.read_text("utf-8") for path in sorted(_SOURCE.rglob("*.py"))}
    lines = [text.count("\n") for text in texts.values()]
    found = sorted((size, f"{path}:{name}") for path, text in texts.items() for size, name in functions(text))
    sizes = [size for size, _ in found]
    tenth = statistics.quantiles(sizes, n=10)[-1]
    click.echo(f"Python: {len(texts)} files, {sum(lines)} lines, the longest {max(lines)}")
    click.echo(f"Functions: {len(sizes)}, median {statistics.median(sizes):.0f} lines, 90th percentile {tenth:.0f}")
    click.echo("Longest: " + ", ".join(f"{name} {size}" for size, name in reversed(found[-3:])))
    click.echo(f"Modules in circles of imports: {len(set(circles(grimp.build_graph('lingdang'))))}")


if __name__ == "__main__":
    main()
