"""Plots of a result: plain data first, and a small picture of each.

Lives here: `Plots`: history, Pareto, lineage, as lists of dicts and as SVG text.
Never here: files, pages, third-party drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opto.search.picture import Mark, scatter, tree

if TYPE_CHECKING:
    from opto.search.result import Result

Row = dict[str, Any]


class Plots:
    """The plots of one result."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def history(self) -> list[Row]:
        """Per step: metric calls and model calls spent so far, the leader and its mean score."""
        return [
            {"metric": p.metric, "llm": p.llm, "leader": p.leader, "mean": p.mean}
            for p in self._result.history
        ]

    def pareto(self) -> list[Row]:
        """Per measured candidate: its mean score, a second number, and whether both are beaten.

        The second number is the first further objective there is, else the share of validation
        examples on which no candidate is better. `front`: no other is at least as good in both
        and better in one.
        """
        ledger = self._result.ledger
        front = ledger.front()
        names = [name for name in ledger.candidates if ledger.n(name)]
        objective = next((key for name in names for key in ledger.means(name)), None)
        rows: list[Row] = []
        for name in names:
            won = sum(name in winners for winners in front.values()) / max(len(front), 1)
            second = won if objective is None else ledger.means(name).get(objective)
            mean = ledger.mean(name)
            rows.append(
                {
                    "candidate": name,
                    "mean": mean,
                    "n": ledger.n(name),
                    "second": second,
                    "second_name": objective or "share of examples won",
                }
            )
        for row in rows:
            row["front"] = row["second"] is not None and not any(_beats(o, row) for o in rows)
        return rows

    def lineage(self) -> list[Row]:
        """Per candidate, in the order they became known: parents, operation, depth, mean, n."""
        ledger = self._result.ledger
        depth: dict[str, int] = {}
        rows: list[Row] = []
        for name, candidate in ledger.candidates.items():
            depth[name] = max((depth.get(p, -1) + 1 for p in candidate.parents), default=0)
            rows.append(
                {
                    "candidate": name,
                    "parents": list(candidate.parents),
                    "op": candidate.op,
                    "depth": depth[name],
                    "mean": ledger.mean(name),
                    "n": ledger.n(name),
                    "best": name == self._result.best.id,
                }
            )
        return rows

    def history_svg(self) -> str:
        """The leader's mean score over metric calls."""
        marks = [
            Mark(row["metric"], row["mean"], f"{row['leader']}: {row['mean']:.3f}")
            for row in self.history()
            if row["mean"] is not None
        ]
        return scatter(marks, x="metric calls", y="mean score", line=True)

    def pareto_svg(self) -> str:
        """Mean score against the second number; the front is marked."""
        rows = self.pareto()
        marks = [
            Mark(row["mean"], row["second"], f"{row['candidate']} (n={row['n']})", row["front"])
            for row in rows
            if row["second"] is not None
        ]
        second = rows[0]["second_name"] if rows else ""
        return scatter(marks, x="mean score", y=second)

    def lineage_svg(self) -> str:
        """Who was made from whom; the recommendation is marked."""
        rows = self.lineage()
        places: dict[str, tuple[int, int]] = {}
        count: dict[int, int] = {}
        for row in rows:
            column = row["depth"]
            places[row["candidate"]] = (column, count.get(column, 0))
            count[column] = count.get(column, 0) + 1
        marks = []
        for row in rows:
            mean = "" if row["mean"] is None else f" {row['mean']:.3f}"
            x, y = places[row["candidate"]]
            marks.append(Mark(x, y, f"{row['candidate']} {row['op']}{mean}", row["best"]))
        edges = [
            (places[parent], places[row["candidate"]])
            for row in rows
            for parent in row["parents"]
            if parent in places
        ]
        return tree(marks, edges)


def _beats(a: Row, b: Row) -> bool:
    if a["second"] is None or b["second"] is None:
        return False
    at_least = a["mean"] >= b["mean"] and a["second"] >= b["second"]
    return bool(at_least and (a["mean"] > b["mean"] or a["second"] > b["second"]))
