#!/usr/bin/env python3
"""Runs our benchmarks and p2pd's in one run and prints a row a figure: ours, the peer's, the ratio.

Each benchmark program prints one JSON object a line: {"name", "unit", "median", "runs"}. Rows meet by name. A ratio above 1
means that ours is better: quicker, faster or smaller.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RELEASE = os.path.join(HERE, "..", "..", ".build", "release")
LARGER_IS_BETTER = {"MB/s", "1/s"}


def figures(command):
    """Runs one program and yields its figures as they come; its progress goes to standard error."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("{"):
                figure = json.loads(line)
                print(f"  {figure['name']}: {figure['median']:.3g} {figure['unit']}", file=sys.stderr)
                yield figure
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed with status {process.returncode}")


def ratio(ours, theirs):
    if not theirs or not ours["median"]:
        return None
    quotient = ours["median"] / theirs["median"]
    return quotient if ours["unit"] in LARGER_IS_BETTER else 1 / quotient


def main():
    print("p2pd (go-libp2p v0.32.1):", file=sys.stderr)
    peer = {figure["name"]: figure for figure in figures([sys.executable, os.path.join(HERE, "p2pd_benchmark.py")])}
    print("dsmp:", file=sys.stderr)
    rows = []
    for command in ([os.path.join(RELEASE, "dsmp-bench")], [sys.executable, os.path.join(HERE, "agent_benchmark.py")]):
        for figure in figures(command):
            theirs = peer.get(figure["name"])
            rows.append({**figure, "peer": theirs and theirs["median"], "ratio": ratio(figure, theirs)})
    if "--json" in sys.argv:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'figure':<44} {'unit':<8} {'dsmp':>12} {'p2pd':>12} {'better by':>10}")
    for row in rows:
        theirs = f"{row['peer']:.4g}" if row["peer"] is not None else "-"
        better = f"{row['ratio']:.2f}x" if row["ratio"] else "-"
        print(f"{row['name']:<44} {row['unit']:<8} {row['median']:>12.4g} {theirs:>12} {better:>10}")


if __name__ == "__main__":
    main()
