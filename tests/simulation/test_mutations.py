"""Every mutation still fits the source, so that `make mutants` breaks what it says it breaks."""

import shutil
from pathlib import Path

import pytest

from proof.simulation.mutation import Edit, MutationError
from proof.simulation.mutations import MUTATIONS

SOURCE = Path(__file__).parents[2] / "src" / "lingdang"


def test_every_mutation_fits(tmp_path: Path) -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 20
    for number, mutation in enumerate(MUTATIONS):
        root = tmp_path / str(number)
        paths = {edit.path for edit in mutation.edits}
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / path, root / path)
        for edit in mutation.edits:
            edit.apply(root)
        for path in paths:
            if path.endswith(".py"):
                compile((root / path).read_text(encoding="utf-8"), path, "exec")


@pytest.mark.parametrize(("old", "why"), [("nowhere to be found", "0 times"), ("return", "2 times")])
def test_a_mutation_that_does_not_fit_is_an_error(tmp_path: Path, old: str, why: str) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return 1\n\ndef g():\n    return 2\n")
    with pytest.raises(MutationError, match=why):
        Edit("a.py", old, "").apply(tmp_path)
