"""Build, solve and check a model without any language model: a small transport problem."""

from __future__ import annotations

from solvers_bridge import Model, render, solve_model


def item(**facts: object) -> dict[str, object]:
    """An IR item; meaning, quote and unit may be left out here."""
    return {"meaning": "", "quote": "", "unit": None} | facts


def listed(name: str, *elements: str) -> dict[str, object]:
    """A set given by its elements."""
    return {
        "name": name,
        "elements": list(elements),
        "first": None,
        "last": None,
        "tuples_of": None,
        "rows": None,
        "where": None,
        "meaning": "",
        "quote": "",
    }


def numbers(parameter: str, *dense: float) -> dict[str, object]:
    """Values of a parameter, row-major over its index sets."""
    return {"parameter": parameter, "dense": list(dense), "cells": None, "default": None}


MODEL = Model.model_validate(
    {
        "ir_version": "1",
        "name": "transport",
        "sets": [listed("Plant", "Hof", "Trier"), listed("Depot", "Celle", "Lindau")],
        "parameters": [
            item(name="supply", index=["Plant"], unit="t"),
            item(name="demand", index=["Depot"], unit="t"),
            item(name="cost", index=["Plant", "Depot"], unit="EUR/t"),
        ],
        "variables": [
            item(
                name="ship",
                index=["Plant", "Depot"],
                domain="real",
                why_domain="tons can be divided",
                lower=0,
                upper=None,
                unit="t",
            )
        ],
        "constraints": [
            item(
                name="capacity",
                forall="p in Plant",
                lhs="sum(ship[p,d] for d in Depot)",
                relation="<=",
                rhs="supply[p]",
                kind="stated",
            ),
            item(
                name="needs",
                forall="d in Depot",
                lhs="sum(ship[p,d] for p in Plant)",
                relation=">=",
                rhs="demand[d]",
                kind="stated",
            ),
        ],
        "objective": item(
            sense="min", expr="sum(cost[p,d]*ship[p,d] for p in Plant for d in Depot)", unit="EUR"
        ),
        "assumptions": [],
        "data": [
            numbers("supply", 40, 60),
            numbers("demand", 50, 30),
            numbers("cost", 4, 6.5, 5, 3),
        ],
    }
)

if __name__ == "__main__":
    print(render(MODEL))
    solved = solve_model(MODEL)
    print(solved.verdict, solved.objective)
    print({key: value for key, value in solved.values()["ship"].items() if value})
