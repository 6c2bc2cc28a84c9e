"""`python -m wslab.predictions [05 …]`: check the predictions' data files; exit status 1 if one has a problem.

An instructor's own files are checked beside the course's; one that lies elsewhere is named by its path.
"""

from __future__ import annotations

import sys
from pathlib import Path

from wslab.predictions import catalogue


def main(arguments: list[str]) -> int:
    """Check the files of the named units, or all of them."""
    problems: list[str] = []
    for name in arguments or catalogue.units():
        elsewhere = Path(name) if name.endswith(".yml") else None
        paths = catalogue.files(name) if elsewhere is None else [elsewhere]
        if not any(path.is_file() for path in paths):
            problems.append(f"there is no {name if elsewhere is not None else f'{name}.yml'}")
            continue
        for path in paths:
            shipped = path.parent == catalogue.FOLDER
            questions, found = catalogue.read(path, in_one_language=not shipped, each_again=shipped)
            if not shipped and elsewhere is None:
                found = (*found, *catalogue.taken(path, questions))
            problems.extend(map(str, found))
            if not found:
                print(f"{path.name}: {len(questions)} predictions, no problem")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
