"""Runs stories of chaos from seeds, in processes; on a failure its trace and the command that
replays it. --mutations: each of the broken engines instead, until a seed catches it."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.chaos.mutations import MUTATIONS, broken
from support.chaos.story import STEPS, Failed, rage


def attempt(seed: int, steps: int = STEPS) -> str | None:
    """What a person is told of a seed that fails; None when it holds."""
    try:
        rage(seed, steps)
    except Failed as failure:
        return str(failure)
    return None


def attempts(seeds: range, processes: int, steps: int) -> Iterator[tuple[int, str | None]]:
    with ProcessPoolExecutor(processes) as pool:
        yield from zip(seeds, pool.map(attempt, seeds, [steps] * len(seeds)), strict=True)


def catch(name: str, most: int = 200) -> tuple[str, int | None, str]:
    """The mutation, the first seed that notices it and what it saw; None: no seed did. A seed
    that fails without the mutation says nothing of it."""
    for seed in range(1, most + 1):
        with broken(name):
            told = attempt(seed)
        if told is not None and attempt(seed) is None:
            return name, seed, told.splitlines()[0].partition(": ")[2]
    return name, None, "not noticed"


def catch_all(processes: int, only: list[str]) -> int:
    """Prints by which seed each mutation was caught; how many were not."""
    missed, names = 0, only or list(MUTATIONS)
    with ProcessPoolExecutor(processes) as pool:
        for result in as_completed([pool.submit(catch, name) for name in names]):
            name, seed, saw = result.result()
            missed += seed is None
            print(f"{name:<32} {seed or '-':>4}  {saw}", flush=True)
    print(f"{len(names) - missed} of {len(names)} mutations caught")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--mutations", nargs="*", metavar="NAME", help="all, or these")
    asked = parser.parse_args()
    if asked.mutations is not None:
        return catch_all(asked.processes, asked.mutations)
    began, failed = time.monotonic(), []
    seeds = range(asked.first, asked.first + asked.seeds)
    for done, (seed, told) in enumerate(attempts(seeds, asked.processes, asked.steps), 1):
        if told is not None:
            failed.append(seed)
            print(f"\n{told}\n", flush=True)
        if done % 50 == 0 or done == len(seeds):
            pace = done / (time.monotonic() - began)
            print(f"{done} of {len(seeds)} seeds, {pace:.1f} a second", flush=True)
    if failed:
        print(f"{len(failed)} of {len(seeds)} seeds failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
