"""Build, solve and check a model without any language model: a small transport problem."""

from __future__ import annotations

from solvers_bridge import Model, render, solve_model

MODEL = Model.model_validate(
    {
        "name": "transport",
        "sets": [
            {"name": "Plant", "elements": ["Hof", "Trier"]},
            {"name": "Depot", "elements": ["Celle", "Lindau"]},
        ],
        "parameters": [
            {"name": "supply", "index": ["Plant"], "unit": "t"},
            {"name": "demand", "index": ["Depot"], "unit": "t"},
            {"name": "cost", "index": ["Plant", "Depot"], "unit": "EUR/t"},
        ],
        "variables": [
            {
                "name": "ship",
                "index": ["Plant", "Depot"],
                "domain": "real",
                "lower": 0,
                "upper": None,
                "unit": "t",
            }
        ],
        "constraints": [
            {
                "name": "capacity",
                "forall": "p in Plant",
                "lhs": "sum(ship[p,d] for d in Depot)",
                "relation": "<=",
                "rhs": "supply[p]",
            },
            {
                "name": "needs",
                "forall": "d in Depot",
                "lhs": "sum(ship[p,d] for p in Plant)",
                "relation": ">=",
                "rhs": "demand[d]",
            },
        ],
        "objective": {
            "sense": "min",
            "expr": "sum(cost[p,d]*ship[p,d] for p in Plant for d in Depot)",
            "unit": "EUR",
        },
        "data": [
            {"parameter": "supply", "dense": [40, 60]},
            {"parameter": "demand", "dense": [50, 30]},
            {"parameter": "cost", "dense": [4, 6.5, 5, 3]},
        ],
    }
)

if __name__ == "__main__":
    print(render(MODEL))
    solved = solve_model(MODEL)
    print(f"{solved.verdict}: {solved.objective} EUR; {solved.certificate}")
    print({key: tons for key, tons in solved.values()["ship"].items() if tons})
