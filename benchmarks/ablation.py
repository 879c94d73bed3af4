"""What single changes of params.yaml are worth: one table, by row and seed, on one data root.

    python -m benchmarks.ablation --root data/sample --work DIR     # validation alone, by which to choose
    python -m benchmarks.ablation --root data/sample --work DIR --rows default 'front end*' --seeds 0
    python -m benchmarks.ablation --root data/sample --work DIR --table --test    # once, at the end

Rows stand in benchmarks/ablation.yaml: a name, and the parameters in which it differs from params.yaml;
`from` names a row that it differs from instead. Every row is trained by the pipeline's own stages in DIR,
once per seed; clips are extracted once, windows made once per section `featurize` (see stage_runs.py). A
training that is finished is not done again, and one that was stopped goes on after its last epoch.

The column `folds` has the AUC on forgeries that folds of the training set held out, where `train.selection`
makes folds: by it a row can be chosen. --set changes parameters in all rows. `never seen` are fakes by
generators of which the row's training has none. Intervals are of the mean over seeds, by clips (by sources
where there are any). A difference is to the row that a row is made `from`, else to the plan's `reference`,
and paired. --robustness and --audit run those stages as well. The test is scored, as in the pipeline, and
shown with --test alone. Writes DIR/ablation.md and DIR/ablation.json.
"""

import argparse
import fnmatch
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from avfake.errors import RunError, UserError
from avfake.files import atomic_write_text, write_json
from avfake.stages._run import stage_main
from benchmarks.ablation_table import (
    SPLITS,
    Figures,
    Trained,
    figures_of,
    generator_table,
    model_facts,
    table,
)
from benchmarks.stage_runs import ROOT, Runs, with_changes

BASE = ("augment", "extract", "featurize", "resplit", "train", "predict")
FROM = "from"

Changes = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is missing, prints and writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="data root")
    parser.add_argument("--work", type=Path, required=True, help="folder of this comparison")
    parser.add_argument("--plan", type=Path, default=ROOT / "benchmarks/ablation.yaml", help="the rows")
    parser.add_argument("--params", type=Path, default=ROOT / "params.yaml", help="what rows differ from")
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="NAME", help="rows, or patterns of names")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="+", default=[], metavar="PATH=VALUE", help="in all rows")
    parser.add_argument("--robustness", action="store_true", help="the worst disturbance as well")
    parser.add_argument("--audit", action="store_true", help="the AUC with telling facts made equal as well")
    parser.add_argument("--table", action="store_true", help="only what is done; nothing is trained")
    parser.add_argument("--test", action="store_true", help="the test's figures as well")
    options = parser.parse_args(arguments)
    starts, rows = read_plan(options.plan)
    wanted = chosen(rows, options.rows)
    everywhere = dict(read_setting(text) for text in options.set)
    base = YAML(typ="safe").load(options.params.read_text(encoding="utf-8"))
    changes = {name: {**rows[name], **everywhere} for name in wanted}
    params = {name: with_changes(base, changes[name]) for name in wanted}
    runs = Runs(options.work, options.root)
    for name in wanted:
        runs.check(params[name], f"row `{name}`")
    stages = [*BASE, *(["robustness"] if options.robustness else []), *(["audit"] if options.audit else [])]
    failed = [] if options.table else train(runs, params, options.seeds, stages)
    done = {name: finished(runs, values, options.seeds) for name, values in params.items()}
    splits = list(SPLITS) if options.test else ["val"]
    write_tables(options.work, {name: own for name, own in done.items() if own}, changes, starts, splits)
    if failed:
        raise RunError(f"these did not finish: {'; '.join(failed)}", "correct it and run the same command")


def read_plan(file: Path) -> tuple[dict[str, str], dict[str, Changes]]:
    """By row, the row that it is compared with, and its changes, those of the row it starts from included.

    Raises:
        UserError: the file lacks a key or a row starts from one that is not above it.
    """
    plan = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    if not isinstance(plan, dict) or set(plan) != {"reference", "rows"}:
        raise UserError(f"{file}: expected `reference` and `rows`", "see benchmarks/ablation.yaml")
    rows: dict[str, Changes] = {}
    for name, changes in plan["rows"].items():
        start = changes.get(FROM)
        if start is not None and start not in rows:
            raise UserError(f"{file}: row `{name}` starts from `{start}`", "name a row above it")
        rows[name] = {**rows.get(start, {}), **{key: changes[key] for key in changes if key != FROM}}
    if plan["reference"] not in rows:
        raise UserError(f"{file}: reference: no row `{plan['reference']}`", f"use one of: {', '.join(rows)}")
    return {name: changes.get(FROM, plan["reference"]) for name, changes in plan["rows"].items()}, rows


def chosen(rows: Mapping[str, Changes], patterns: Sequence[str]) -> list[str]:
    """The rows that match one of the patterns, in their order. Raises UserError if a pattern matches none."""
    for pattern in patterns:
        if not fnmatch.filter(rows, pattern):
            raise UserError(f"--rows {pattern}: no such row", f"use one of: {', '.join(rows)}")
    return [name for name in rows if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def read_setting(text: str) -> tuple[str, Any]:
    """`path=value`, the value as YAML 1.2. Raises UserError if it is none."""
    path, sign, value = text.partition("=")
    if not sign:
        raise UserError(f"--set {text}: expected PATH=VALUE", "for instance --set train.epochs=4")
    return path, YAML(typ="safe").load(value)


def train(
    runs: Runs, params: Mapping[str, dict[str, Any]], seeds: Sequence[int], stages: Sequence[str]
) -> list[str]:
    """Runs the stages of every row: all rows with one seed before the next. Returns what failed."""
    failed: list[str] = []
    for seed in seeds:
        for name, values in params.items():
            own = with_changes(values, {"train.seed": seed})
            if all(runs.done(stage, own) for stage in stages):
                continue
            print(f"{name}, seed {seed}", flush=True)
            try:
                for stage in stages:
                    runs.make(stage, own)
            except RunError as error:
                print(f"error: {error.message}", flush=True)
                failed.append(f"{name}, seed {seed}")
    return failed


def finished(runs: Runs, params: dict[str, Any], seeds: Sequence[int]) -> list[Trained]:
    """The trainings of a row that are scored, with the stages that are done."""
    found = []
    for seed in seeds:
        own = with_changes(params, {"train.seed": seed})
        stages = {name: ran for name in runs.stages if (ran := runs.done(name, own)) is not None}
        if "predict" in stages:
            found.append(Trained(seed, stages))
    return found


def write_tables(
    work: Path,
    done: Mapping[str, list[Trained]],
    rows: Mapping[str, Changes],
    starts: Mapping[str, str],
    splits: Sequence[str],
) -> None:
    """Prints the tables and writes them, and every figure as JSON."""
    lines: list[str] = []
    facts: dict[str, Any] = {
        name: {
            "changes": rows[name],
            "compared_with": starts[name],
            "seeds": [one.seed for one in own],
            "code": sorted({model_facts(one)["code"]["model_sha256"] for one in own}),
        }
        for name, own in done.items()
    }
    for split in splits:
        figures: dict[str, Figures] = {}
        for name, own in done.items():
            found = figures_of(own, split)
            if found is not None:
                figures[name] = found
                facts[name][split] = found.facts()
        if figures:
            lines += [f"## {SPLITS[split]}", "", *table(done, figures, starts), ""]
            lines += [*generator_table(figures), ""]
    for name in done:
        changes = " ".join(f"{path}={json.dumps(value)}" for path, value in rows[name].items())
        lines += [f"- {name}: `{changes}`"] if changes else []
    code = {hashed for row in facts.values() for hashed in row["code"]}
    if len(code) > 1:
        lines += ["", f"Not all rows are by the same code: {len(code)} versions, see ablation.json."]
    text = "\n".join(lines) + "\n"
    atomic_write_text(work / "ablation.md", text)
    write_json(work / "ablation.json", {"rows": facts})
    print(text)


if __name__ == "__main__":
    stage_main(lambda: main())
