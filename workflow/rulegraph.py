"""Draw Snakemake's rules into README.md, as Mermaid, which forges draw themselves.

Snakemake has the graph with an arrow for every file that passes, in an order that changes from run
to run. Here an arrow is left out where others lead the same way, so that the flow can be seen.
"""

import re
import subprocess
import sys
from pathlib import Path

Arrow = tuple[str, str]

README = Path("README.md")
BLOCK = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
TARGET = "all"


def snakemake_rulegraph() -> str:
    """Return what `snakemake --rulegraph` prints of the project in the current folder."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def arrows(rulegraph: str) -> set[Arrow]:
    """Read which rule gives files to which.

    Args:
        rulegraph: Snakemake's Mermaid.
    """
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", rulegraph, re.MULTILINE))
    found = re.findall(r"^\s*(id\d+) --> (id\d+)", rulegraph, re.MULTILINE)
    return {(names[a], names[b]) for a, b in found if names[b] != TARGET}


def flow(every: set[Arrow]) -> list[Arrow]:
    """Leave out the arrows for which there is a way round, and sort the rest along the flow."""
    before: dict[str, set[str]] = {}
    for start, _ in every:
        _collect(start, every, before)
    for _, end in every:
        _collect(end, every, before)
    kept = [(a, b) for a, b in every if not any(a in before[c] and c in before[b] for c in before)]
    return sorted(kept, key=lambda arrow: (len(before[arrow[0]]), arrow))


def _collect(rule: str, every: set[Arrow], before: dict[str, set[str]]) -> set[str]:
    if rule not in before:
        direct = {a for a, b in every if b == rule}
        before[rule] = direct.union(*(_collect(a, every, before) for a in sorted(direct)))
    return before[rule]


def block(every: set[Arrow]) -> str:
    """Return the Markdown of the picture."""
    lines = [f"  {a} --> {b}" for a, b in flow(every)]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```", ""])


def main() -> None:
    """Put the picture in the place of the one in README.md."""
    drawn = block(arrows(snakemake_rulegraph()))
    text, count = BLOCK.subn(lambda _: drawn, README.read_text())
    if count != 1:
        sys.exit(f"error: README.md: expected one block ```mermaid, found {count}")
    README.write_text(text)


if __name__ == "__main__":
    main()
