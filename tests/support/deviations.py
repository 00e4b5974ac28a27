"""Where our facts differ from Seam's (`support.facts`), one line each: `place: difference`.

A client written for Seam must get on with us: what it may send we must take, what we answer it must
expect. Taking null where a parameter can be left out is no difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Facts = dict[str, Any]


def deviations(ours: Facts, theirs: Facts) -> list[str]:
    """All differences, in order."""
    found = list(_paths(ours["paths"], theirs["paths"]))
    comparison = _Answers(ours["schemas"], theirs["schemas"])
    for path in sorted(ours["paths"].keys() & theirs["paths"].keys()):
        our, their = ours["paths"][path], theirs["paths"][path]
        found += _methods(path, our["methods"], their["methods"])
        found += _asked(f"{path} asks", our["asked"], their["asked"])
        found += comparison.compare(f"{path} answers", our["answer"], their["answer"])
    return sorted({*found, *comparison.of_schemas()})


def _paths(ours: Facts, theirs: Facts) -> Iterator[str]:
    for path in theirs.keys() - ours.keys():
        yield f"{path}: not served yet"
    for path in ours.keys() - theirs.keys():
        yield f"{path}: besides Seam's paths"


def _methods(path: str, ours: list[str], theirs: list[str]) -> Iterator[str]:
    for method in set(theirs) - set(ours):
        yield f"{path}: does not take {method}"
    for method in set(ours) - set(theirs):
        yield f"{path}: takes {method} besides"


def _asked(place: str, our: Facts, their: Facts) -> Iterator[str]:
    ours, theirs = our.get("keys", {}), their.get("keys", {})
    for name in theirs.keys() - ours.keys():
        yield f"{place} {name}: not known"
    for name in ours.keys() - theirs.keys():
        yield f"{place} {name}: besides Seam's"
    for name in sorted(ours.keys() & theirs.keys()):
        where = f"{place} {name}"
        if name in their.get("need", ()) and name not in our.get("need", ()):
            yield f"{where}: not required"
        if name in our.get("need", ()) and name not in their.get("need", ()):
            yield f"{where}: required"
        yield from _taken(where, ours[name], theirs[name])


def _taken(where: str, our: Facts, their: Facts) -> Iterator[str]:
    kinds = set(their.get("is", ())) - set(our.get("is", their.get("is", ())))
    if "number" in our.get("is", ()):
        kinds -= {"integer"}
    if kinds:
        yield f"{where}: does not take {', '.join(sorted(kinds))}"
    if "enum" in their or "enum" in our:
        yield from _taken_values(where, our.get("enum"), their.get("enum"))
    if "of" in our and "of" in their:
        yield from _taken(f"{where}[]", our["of"], their["of"])
    if "keys" in our and "keys" in their:
        yield from _asked(where, our, their)


def _taken_values(where: str, ours: list[Any] | None, theirs: list[Any] | None) -> Iterator[str]:
    if ours is None:
        yield f"{where}: any value"
    elif theirs is None:
        yield f"{where}: only {_listed(ours)}"
    else:
        if refused := [value for value in theirs if value not in ours]:
            yield f"{where}: not {_listed(refused)}"
        if besides := [value for value in ours if value not in theirs]:
            yield f"{where}: {_listed(besides)} besides"


@dataclass
class _Answers:
    ours: Facts
    theirs: Facts
    pairs: dict[tuple[str, str], None] = field(default_factory=dict)

    def of_schemas(self) -> Iterator[str]:
        """Of the resources met so far, and of those met in them."""
        done: set[tuple[str, str]] = set()
        while open_pairs := [pair for pair in self.pairs if pair not in done]:
            our, their = open_pairs[0]
            done.add((our, their))
            place = their if our == their else f"{our} as {their}"
            yield from self.compare(place, self.ours[our], self.theirs[their])

    def compare(self, place: str, our: Facts, their: Facts) -> list[str]:
        if "ref" in our and "ref" in their:
            self.pairs[our["ref"], their["ref"]] = None
            our, their = ({"is": side.get("is", ["object"])} for side in (our, their))
        if "ref" in our:
            our = {**self.ours[our["ref"]], **({"is": our["is"]} if "is" in our else {})}
        if "ref" in their:
            their = {**self.theirs[their["ref"]], **({"is": their["is"]} if "is" in their else {})}
        return list(self._compare(place, our, their))

    def _compare(self, place: str, our: Facts, their: Facts) -> Iterator[str]:
        if not their:
            return
        kinds = set(our.get("is", ["anything"])) - set(their.get("is", ["object"]))
        if "number" in their.get("is", ()):
            kinds -= {"integer"}
        if kinds and their.get("is"):
            yield f"{place}: may be {', '.join(sorted(kinds))}"
        if "enum" in their and set(our.get("is", ())) != {"null"}:
            if "enum" not in our:
                yield f"{place}: any value"
            elif besides := [value for value in our["enum"] if value not in their["enum"]]:
                yield f"{place}: {_listed(besides)} besides"
        if "of" in our and "of" in their:
            yield from self.compare(f"{place}[]", our["of"], their["of"])
        if "keys" in their and set(our.get("is", ())) != {"null"}:
            yield from self._keys(place, our, their)

    def _keys(self, place: str, our: Facts, their: Facts) -> Iterator[str]:
        if "keys" not in our:
            yield f"{place}: any keys"
            return
        ours, theirs = our["keys"], their["keys"]
        for name in theirs.keys() - ours.keys():
            yield f"{place}.{name}: not answered"
        for name in ours.keys() - theirs.keys():
            yield f"{place}.{name}: besides Seam's"
        for name in sorted(ours.keys() & theirs.keys()):
            where = f"{place}.{name}"
            if name in their["need"] and name not in our["need"]:
                yield f"{where}: may be absent"
            yield from self.compare(where, ours[name], theirs[name])


def _listed(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)
