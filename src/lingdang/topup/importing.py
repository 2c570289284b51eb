"""Packages from a file of JSON Lines: each line is a package with its `packageId`, as the operators' API has it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from lingdang.db.pool import Connection
from lingdang.errors import CommandError, Problem, in_one_line
from lingdang.ids import in_words
from lingdang.topup.packages import Package, PackageId, put_package, require_currency


class Line(Package, frozen=True, rename="camel", kw_only=True):
    """A package with its id."""

    package_id: PackageId


class Imported(msgspec.Struct, frozen=True):
    """How many were created, and how many replaced."""

    created: int
    replaced: int


def read_lines(file: Path) -> Iterator[tuple[str, Package]]:
    """The packages of a file. Raises CommandError, which names the first line that is none."""
    for number, text in enumerate(file.read_bytes().splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = msgspec.json.decode(text, type=Line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: line {number}: {in_words(str(error))}") from None
        given = {field.name: getattr(line, field.name) for field in msgspec.structs.fields(Package)}
        package = Package(**given)
        try:
            require_currency(package)
        except Problem as problem:
            raise CommandError(f"{file}: line {number}: {in_one_line(problem)}") from None
        yield line.package_id, package


async def import_packages(connection: Connection, file: Path, now: datetime) -> Imported:
    """Write all packages of a file, or none. Raises CommandError."""
    packages = list(read_lines(file))
    async with connection.transaction():
        new = [await put_package(connection, package_id, package, now) for package_id, package in packages]
    return Imported(sum(new), len(new) - sum(new))
