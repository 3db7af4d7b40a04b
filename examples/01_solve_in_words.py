"""A problem in words, solved from Python; the model's answer comes from a recorded run."""

from __future__ import annotations

from pathlib import Path

import opto

HERE = Path(__file__).parent

if __name__ == "__main__":
    answer = opto.solve(
        str(HERE / "problems" / "blending.txt"),
        model=f"replay:{HERE / 'recordings' / 'examples.jsonl'}",
        pipeline="standard",
    )
    print(answer.status.value, round(answer.objective or 0, 2))
    for choice in answer.choices():
        print(f"{choice.value:10.3f} {choice.unit or ''} {choice.meaning}")
