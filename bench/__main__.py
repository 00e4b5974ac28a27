"""`python -m bench [NAME ...] [--keep]`: all benchmarks, or those named; --keep writes the figures
to docs/benchmarks.md."""

import argparse
from collections.abc import Awaitable, Callable

import uvloop

from bench import burst, console, creates, idle, postgres, reads
from bench.report import Table, keep, machine

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Table]]]] = {
    "creates": creates.measure,
    "burst": burst.measure,
    "idle": idle.measure,
    "reads": reads.measure,
    "console": console.measure,
    "postgres": postgres.measure,
}


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--keep", action="store_true", help="write to docs/benchmarks.md")
    asked = parser.parse_args()
    if unknown := set(asked.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    print(machine(), flush=True)
    for name in asked.names or BENCHMARKS:
        print(f"\n# {name}\n", flush=True)
        tables = await BENCHMARKS[name]()
        for table in tables:
            print(table.text(), "\n", flush=True)
        if asked.keep:
            keep(name, tables)


if __name__ == "__main__":
    uvloop.run(main())
