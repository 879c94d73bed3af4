"""The gate itself: two revisions in, one report out."""

import tempfile
from pathlib import Path

from avfake.errors import UserError
from avfake.gate import checks
from avfake.gate.compare import compare
from avfake.gate.difference import Method
from avfake.gate.git import Repository, open_repository
from avfake.gate.outputs import bring
from avfake.gate.revision import WORKSPACE, Revision, named, read_revision
from avfake.gate.scores import WANTED, Scores, read_scores
from avfake.gate.stages import stale_stages
from avfake.gate.verdict import KINDS, Failure, Report, Row
from avfake.params import GateParams, load


def judge(
    root: Path, base: str, head: str = "HEAD", *, data_changed: bool = False, first: bool = False
) -> Report:
    """Compares two revisions of the repository at `root`.

    Args:
        root: of the repository, Git's and DVC's.
        base: a revision to compare with.
        head: a revision to judge, or `workspace`.
        data_changed: changed clips and labels are meant: the clips that both scored are compared.
        first: head is judged alone, because base has nothing to compare with.

    Raises:
        UserError: the two cannot be compared.
    """
    repository = open_repository(root)
    with tempfile.TemporaryDirectory() as scratch:
        before = read_revision(repository, base, Path(scratch) / "base")
        after = read_revision(repository, head, Path(scratch) / "head")
        warnings = _relation(repository, before, after)
        if not after.has_figures:
            raise UserError(
                f"{head}: no figures in metrics/", "`dvc repro`, and commit metrics/ and dvc.lock"
            )
        with named(after.tree, head):
            used = load(GateParams, after.tree / "params.yaml")
        if first:
            _need_nothing_to_compare(before)
        elif not before.has_figures:
            raise UserError(
                f"{base}: no figures in metrics/, so there is nothing to compare with",
                "name a base that has figures; if these are the project's first, `--first` judges head alone",
            )
        used = GateParams.model_validate(checks.stricter(before.section("gate"), used.model_dump()))
        report = Report(before, after, used, data_changed, first)
        report.warnings += warnings
        report.warnings += [
            f"{text}: judged by the stricter value; the next change would get the looser one"
            if text.startswith("`gate.")
            else f"{text}: look at what the audit no longer says"
            for text in checks.loosened(before, after)
        ]
        after_scores = read_scores(after, bring(root, after, WANTED, Path(scratch) / "head-outs"))
        if first:
            _alone(report)
        else:
            before_scores = read_scores(before, bring(root, before, WANTED, Path(scratch) / "base-outs"))
            _compared(report, (before_scores, after_scores))
        report.failures += checks.unfaithful(after, after_scores)
        failures, remarks = checks.audit(after)
        report.failures += failures
        report.warnings += remarks
        report.stale = stale_stages(root, after, before)
        report.failures += [
            Failure(
                "stages",
                f"dvc.lock does not match: stage `{item.stage}` would run: {'; '.join(item.reasons)}",
            )
            for item in report.stale
        ]
        return report


def _relation(repository: Repository, base: Revision, head: Revision) -> list[str]:
    """What is to be said of how the two revisions are related. Raises UserError where they are not."""
    if base.commit is None:
        raise UserError(f"`{WORKSPACE}` is no base", "name a commit, a branch or a tag")
    tip = head.commit or repository.resolve("HEAD")
    shared = repository.merge_base(base.commit, tip)
    warnings = []
    if behind := repository.commits_between(shared, base.commit):
        warnings.append(
            f"{base.name} has {behind} commits that {head.name} lacks: merge or rebase, or what they changed "
            "counts here too"
        )
    if head.commit is not None and head.commit == repository.resolve("HEAD") and repository.is_dirty():
        warnings.append(
            "files changed since the last commit are not judged: commit them, or `--head workspace`"
        )
    return warnings


def _need_nothing_to_compare(base: Revision) -> None:
    if base.has_figures:
        raise UserError(
            f"`--first`, but {base.name} has figures to compare with",
            "leave `--first` out",
        )


def _alone(report: Report) -> None:
    report.warnings.append(f"{report.base.name} has no figures: head is judged alone, nothing was compared")
    for split, (file, disturbed) in checks.REPORTS.items():
        for key in KINDS:
            name = disturbed if key == "auc_worst" else file
            value = report.head.metrics.get(name, {}).get(key)
            if value is not None:
                report.rows.append(Row(split, name, key, None, value, state="new"))


def _compared(report: Report, scores: tuple[Scores, Scores]) -> None:
    base, head, params = report.base, report.head, report.params
    bins = head.section("evaluate").get("calibration_bins")
    if not isinstance(bins, int):
        raise UserError(
            f"{head.name}:params.yaml: `evaluate.calibration_bins` is no number", "`avfake params`"
        )
    method = Method(params.confidence, params.n_bootstrap, bins, params.seed)
    rows, report.clips, pairs = compare(base, head, scores, params, method)
    if not any(item.both for item in report.clips):
        raise UserError(
            f"{base.name} and {head.name} scored no clip in common",
            "compare revisions of one data set; names are compared exactly, upper and lower case included",
        )
    lost, failures = checks.lost_figures(base, head)
    gone = {(row.file, row.key): row for row in lost}
    kept = [row for row in rows if (row.file, row.key) not in gone]
    report.rows = sorted([*lost, *kept], key=lambda row: not row.fails)
    report.failures += [_drop(row, params) for row in kept if row.fails] + failures
    report.failures += checks.unscored(pairs, scores[1])
    report.warnings += checks.other_case(pairs)
    for text in checks.changed_data(base, head, scores):
        if report.data_changed:
            report.warnings.append(f"{text} (announced)")
        else:
            report.failures.append(
                Failure("data", f"{text}; if that is meant, `--data-changed` compares the clips in common")
            )


def _drop(row: Row, params: GateParams) -> Failure:
    kind = KINDS[row.key]
    assert row.difference is not None  # a state of `worse` has an interval
    assert row.interval is not None
    split = "validation" if row.split == "val" else row.split
    way = "fell" if kind.higher_is_better else "rose"
    return Failure(
        "figure",
        f"{kind.title} ({split}) {way} by {abs(row.difference):.3f}; the whole {params.confidence:g} "
        f"interval ({row.interval.low:+.3f} to {row.interval.high:+.3f}) lies beyond the tolerance of "
        f"{row.tolerance:g}",
    )
