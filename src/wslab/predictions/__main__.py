"""`python -m wslab.predictions [05 …]`: check the predictions' data files; exit status 1 if one has a problem."""

from __future__ import annotations

import sys
from pathlib import Path

from wslab.predictions import catalogue


def main(arguments: list[str]) -> int:
    """Check the files of the named units, or all of them."""
    problems = [] if not arguments else [f"there is no {name}.yml" for name in arguments if not _path(name).is_file()]
    for path in map(_path, arguments or catalogue.units()):
        if path.is_file():
            questions, found = catalogue.read(path, each_again=path.parent == catalogue.FOLDER)
            problems.extend(map(str, found))
            if not found:
                print(f"{path.name}: {len(questions)} predictions, no problem")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


def _path(unit: str) -> Path:
    path = Path(unit)
    return path if path.suffix == ".yml" else catalogue.FOLDER / f"{unit}.yml"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
