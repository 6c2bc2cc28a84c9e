"""Whose a file is, from the tree that it lies in: the outermost name of a person wins, whatever stands further in.

A folder or a zip is somebody's, or it is a level: something that holds several people's. Levels come from whoever
collected the work and people from whoever handed it in, so a doubtful one is a person's: nobody who packs a zip can
then speak for somebody else. What makes a level is written at `_Tree._levels`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from wslab.grading.intake.whose import (
    COLLECTED,
    Named,
    exported,
    folded,
    in_a_file_name,
    in_blackboard,
    is_a_lab,
    is_a_number,
    is_nobodys,
    is_zip,
    lab_in,
    stem,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing in the tree.

    Attributes:
        folders: the folders and zips that it lies in.
        name: the file's; empty for what stands for its folder.
        lab: which lab it is; empty where it is none.
        notebook: whether it is a notebook, or was meant to be one.
    """

    folders: tuple[str, ...]
    name: str
    lab: str = ""
    notebook: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """That something is somebody's.

    Attributes:
        named: who, as it is written there.
        home: the folder or zip that is theirs; with the file's name where it is a single file.
        level: the level that it lies in.
        distance: how many doubtful levels stand around it: of two claims to one name the nearer one wins.
        loose: whether it is a single file that lies in the level.
        exported: whether the name is one that a learning platform gives in an export.
        trusted: whether the instructor said by `--trust` that it is what its name says.
    """

    named: Named
    home: tuple[str, ...]
    level: tuple[str, ...]
    distance: int
    loose: bool = False
    exported: bool = False
    trusted: bool = False

    @property
    def given(self) -> bool:
        """Whether the name is the instructor's or, in a zip that was named, the learning platform's.

        Anybody can choose the name of a zip or a file, and all the names in a zip.
        """
        return self.trusted or not (self.loose or any(is_zip(part) for part in self.home))

    @property
    def item(self) -> str:
        """The path of the outermost zip that it lies in, else of the folder or file itself: what `--trust` takes."""
        outer = next((at for at, part in enumerate(self.home, 1) if is_zip(part)), len(self.home))
        return "/".join(self.home[:outer])


@dataclass(slots=True)
class _Node:
    name: str
    children: dict[str, _Node] = field(default_factory=dict)
    leaves: list[int] = field(default_factory=list)
    seen: _Seen | None = None
    split: bool | None = None


@dataclass(slots=True)
class _Seen:
    """What lies in a folder, the folders in it that name a lab or nobody looked through."""

    direct: bool = False
    exported: set[tuple[str, str, str]] = field(default_factory=set)
    in_file_names: set[str] = field(default_factory=set)
    people: list[_Node] = field(default_factory=list)
    packed: int = 0

    def add(self, other: _Seen, *, packed: bool) -> None:
        """Take in what was seen in a folder, or in a zip: what somebody has packed is no sign of a level around it."""
        self.direct |= other.direct
        self.exported |= other.exported
        self.in_file_names |= other.in_file_names
        self.people += other.people
        self.packed += len(other.exported) + len(other.people) if packed else other.packed


@dataclass(frozen=True, slots=True)
class Owned:
    """What was found out.

    Attributes:
        claims: for each leaf whose it is; None where nobody knows, or where it stands for a level.
        others: for each home the names of others that stand in it.
    """

    claims: tuple[Claim | None, ...]
    others: dict[tuple[str, ...], tuple[str, ...]]


def owners(
    leaves: Sequence[Leaf],
    known: Callable[[str], bool] = lambda name: False,
    met: Callable[[str], bool] = lambda name: False,
    before: Callable[[tuple[str, ...]], bool] = lambda folders: False,
    whole: str = "",
) -> Owned:
    """Find out whose each thing is.

    Args:
        leaves: everything that was dropped.
        known: whether a name is on the roster.
        met: whether somebody of this name handed in something earlier. It makes a person of a folder, and no level.
        before: whether an earlier drop had work of people below this folder or zip.
        whole: the name of the drop where it is one zip. If it is a person's name, everything in it is theirs.
    """
    tree = _Tree(leaves, known, met, before)
    if whole and (known(whole) or met(whole)):
        tree.give(tree.root, Claim(Named("", "", whole), (), (), 0))
    else:
        tree.level(tree.root, (), 0)
    return Owned(tuple(tree.claims), tree.others())


class _Tree:
    def __init__(
        self,
        leaves: Sequence[Leaf],
        known: Callable[[str], bool],
        met: Callable[[str], bool],
        before: Callable[[tuple[str, ...]], bool],
    ) -> None:
        self.leaves = leaves
        self.known = known
        self.met = met
        self.before = before
        self.root = _Node("")
        self.claims: list[Claim | None] = [None] * len(leaves)
        self.given: list[tuple[_Node, Claim]] = []
        for number, leaf in enumerate(leaves):
            node = self.root
            for part in leaf.folders:
                node = node.children.setdefault(part, _Node(part))
            node.leaves.append(number)
        self.apart = self._told_apart()

    def _exported(self, name: str) -> Named | None:
        named = exported(name)
        return named if name not in self.apart else Named("", "", self.apart[name])

    def _told_apart(self) -> dict[str, str]:
        """For names of Blackboard's with which two people would be one: the whole name of the person.

        `L1_ada_su_attempt_…` and `L1_can_su_attempt_…` are of two people called `su`, or of one called so in two
        assignments. They are of two where both hold the same lab and all names begin alike, as in one assignment.
        """
        apart: dict[str, str] = {}
        for node in _within(self.root):
            held: dict[tuple[str, ...], set[str]] = {}
            names: list[tuple[str, tuple[str, ...]]] = []
            files = [(self.leaves[number].name, {self.leaves[number].lab} - {""}) for number in node.leaves]
            for name, labs in [*files, *((child.name, self._labs(child)) for child in node.children.values())]:
                if head := in_blackboard(name):
                    held.setdefault(head, set()).update(labs)
                    names.append((name, head))
            steps = zip(*(head[:-1] for head in held), strict=False)
            same = sum(1 for _ in takewhile(lambda step: len(set(step)) == 1, steps))
            alike = Counter((head[-1], lab) for head, labs in held.items() for lab in labs)
            if same and any(count > 1 for count in alike.values()):
                apart |= {name: "_".join(head[same:]) for name, head in names}
        return apart

    def level(self, node: _Node, path: tuple[str, ...], distance: int) -> None:
        """Say whose everything in a level is."""
        # Where notebooks are called after people, so is what they have handed in instead of one: `Can L1.pdf`.
        here = [self.leaves[number] for number in node.leaves]
        flat = any(leaf.notebook and leaf.name and in_a_file_name(leaf.name) for leaf in here)
        for number, leaf in zip(node.leaves, here, strict=True):
            called = bool(leaf.name) and (leaf.notebook or (flat and bool(lab_in(leaf.name))))
            given = self._exported(leaf.name)
            named = given or (in_a_file_name(leaf.name) if called else None)
            if named is not None:
                exported = given is not None
                self.claims[number] = Claim(named, (*path, leaf.name), path, distance, loose=True, exported=exported)
        doubtful = []
        for child in node.children.values():
            named = self._exported(child.name)
            if named is not None:
                self.give(child, Claim(named, (*path, child.name), path, distance, exported=True))
            elif is_a_lab(child.name) or child.name.casefold() == COLLECTED:
                self.level(child, (*path, child.name), distance)
            elif not (COLLECTED in node.children and child.name in ("source", "release", "autograded", "feedback")):
                doubtful.append(child)
        for child, further in self._levels(node, path, doubtful):
            home = (*path, child.name)
            if further is None:
                name = stem(child.name)
                self.give(child, Claim(Named("", "", name if name.strip() else child.name), home, path, distance))
            else:
                self.level(child, home, distance + further)

    def _levels(
        self, parent: _Node, path: tuple[str, ...], children: Sequence[_Node]
    ) -> Iterable[tuple[_Node, int | None]]:
        """For each child how much further away a level makes what is in it; None where it is a person's.

        A level by its name (`section-a`) is beyond doubt. One by the roster or by what it holds is not, and where
        somebody's own work stands beside it, as it does beside what a student has packed, it is a person's. By what
        it holds it is one only where all that stands beside it is one, too, and never where it speaks for somebody who
        has handed in before, unless it was a level then.
        """
        surely_people = (
            any(self._seen(child).direct and not self._is_evident_level(child) for child in children)
            or any(self._exported(self.leaves[number].name) for number in parent.leaves)
            or any(self._exported(name) for name in parent.children)
        )
        named = {child.name for child in children if self.known(stem(child.name)) or self.met(stem(child.name))}
        named |= {child.name for child in children if self._speaks_for_others(child, (*path, child.name))}
        splits = any(self._is_split(child) for child in children) and not surely_people
        splits = splits and all(
            self._is_evident_level(child)
            or self._seen(child).exported  # a forged export's name in a zip must not undo the export beside it
            or (child.name not in named and (self._is_split(child) or self._holds_one(child)))
            for child in children
            if self._has_notebook(child)
        )
        for child in children:
            if child.name in named:
                yield child, None
            elif self._is_level_by_name(child) or (self._is_level_by_roster(child) and not surely_people):
                yield child, 0
            elif splits and (self._is_split(child) or self._holds_one(child)):
                yield child, 1
            else:
                yield child, None

    def _speaks_for_others(self, node: _Node, path: tuple[str, ...]) -> bool:
        """Whether folders in it have the names of people who handed in before, and nothing says that it is a level."""
        people = self._seen(node).people
        met = any(self.met(stem(child.name)) for child in people)
        return met and not self._is_evident_level(node) and not self.before(path)

    def _holds_one(self, node: _Node) -> bool:
        """Whether it holds one person's folder, as a small section does.

        One name in a zip may be a forged one; in a folder it was put there by whoever collected the work.
        """
        seen = self._seen(node)
        loose = not (seen.direct or seen.packed or is_zip(node.name))
        return loose and len(seen.people) + len(seen.exported) == 1

    def _is_evident_level(self, node: _Node) -> bool:
        return self._is_level_by_name(node) or self._is_level_by_roster(node)

    def _is_level_by_roster(self, node: _Node) -> bool:
        people = self._seen(node).people
        return any(self.known(stem(child.name)) for child in people) and not self.known(stem(node.name))

    def _is_level_by_name(self, node: _Node) -> bool:
        seen = self._seen(node)
        holds = bool(seen.exported or seen.people) or (not seen.direct and self._names_somebody(node))
        return is_nobodys(node.name) and (holds or (bool(seen.in_file_names) and not seen.direct))

    def _names_somebody(self, node: _Node) -> bool:
        """Whether a folder in it, however empty, has a name that may be somebody's."""
        return any(
            self._names_somebody(child) if is_a_lab(child.name) or is_nobodys(child.name) else True
            for child in node.children.values()
        )

    def _is_split(self, node: _Node) -> bool:
        """Whether it holds several people's folders or exported files, and nothing of its own."""
        if node.split is None:
            seen = self._seen(node)
            labs = [self._labs(child) for child in seen.people]
            shared = any(a & b or not (a and b) for at, a in enumerate(labs) for b in labs[at + 1 :])
            collected = any(name.casefold() == COLLECTED for name in node.children)
            collected = collected and not is_zip(node.name)
            several = len(seen.exported) > 1 or shared
            # Somebody's folder may hold a zip of several people's work; it is somebody's all the same.
            below = len(seen.people) == 1 and not is_zip(seen.people[0].name)
            several = several or (below and self._is_split(seen.people[0]))
            node.split = collected or (several and not (seen.direct or seen.packed))
        return node.split

    def _labs(self, node: _Node) -> set[str]:
        found = {self.leaves[number].lab for number in node.leaves} - {""}
        for child in node.children.values():
            found |= self._labs(child)
        return found

    def _has_notebook(self, node: _Node) -> bool:
        return any(self.leaves[number].notebook for number in node.leaves) or any(
            self._has_notebook(child) for child in node.children.values()
        )

    def _seen(self, node: _Node) -> _Seen:
        if node.seen is not None:
            return node.seen
        seen = node.seen = _Seen()
        level = is_nobodys(node.name)  # in a section, number 7 is somebody
        for number in node.leaves:
            leaf = self.leaves[number]
            named = self._exported(leaf.name)
            if named is not None:
                seen.exported.add(named.key)
            elif leaf.notebook and leaf.name:
                inside = in_a_file_name(leaf.name)
                seen.direct |= inside is None
                if inside is not None:
                    seen.in_file_names.add(inside.name)
        for child in node.children.values():
            named = self._exported(child.name)
            if named is not None:
                seen.exported.add(named.key)
            elif is_a_lab(child.name) or (
                is_nobodys(child.name) and not (level and is_a_number(child.name) and self._seen(child).direct)
            ):
                seen.add(self._seen(child), packed=is_zip(child.name))
            elif self._has_notebook(child):
                seen.people.append(child)
        # Files of other names are somebody's own where nothing else is there to tell people apart by.
        seen.direct |= bool(seen.in_file_names) and not is_nobodys(node.name)
        return seen

    def give(self, node: _Node, claim: Claim) -> None:
        """Everything in a folder or zip is one person's."""
        self.given.append((node, claim))
        for one in _within(node):
            for number in one.leaves:
                self.claims[number] = claim

    def others(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """For each home the names of others that stand in it: several people's folders, exports', known ones."""
        people = {folded(claim.named.name) for claim in self.claims if claim is not None}
        found: dict[tuple[str, ...], dict[str, None]] = {}
        for node, claim in self.given:
            mine, others = claim.named, found.setdefault(claim.home, {})
            seen = self._seen(node)
            if len(seen.people) > 1:
                others |= dict.fromkeys(stem(child.name) for child in seen.people)
            for one in _within(node):
                files = [self.leaves[number].name for number in one.leaves]
                named = [self._exported(name) for name in (*one.children, *files)]
                others |= {other.name: None for other in named if other is not None and not _same(other, mine)}
                below = [stem(name) for name in one.children]
                others |= {name: None for name in below if folded(name) in people - {folded(mine.name)}}
        return {home: tuple(others) for home, others in found.items() if others}


def _within(node: _Node) -> Iterator[_Node]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.children.values()


def _same(one: Named, other: Named) -> bool:
    return (one.origin == other.origin and one.number == other.number) or folded(one.name) == folded(other.name)
