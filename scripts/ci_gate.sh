#!/usr/bin/env bash
# What .github/workflows/gate.yml runs on a pull request: fetch, check, compare, show.
#
#   scripts/ci_gate.sh origin/main                  then any option of `avfake gate`, e.g. --data-changed
#   GATE_OUT=/tmp/gate scripts/ci_gate.sh main      where gate.md, gate.json and plots/ are written
#
# Ends as `avfake gate` does: 0 passed, 1 failed, 2 cannot compare. gate.md is written in each case.
set -euo pipefail
base=${1:?"usage: scripts/ci_gate.sh BASE [option of avfake gate ...]"}
shift
out=${GATE_OUT:-gate}
mkdir -p "$out"

# Scores, labels and the tables behind the plots: the gate needs neither clips nor features nor weights. What
# it needs of the base and the cache lacks, it reads from the remote by itself.
if [ -n "$(dvc remote list)" ]; then
    needed=()
    for output in data/{labels,resplit,predictions,robustness,evaluation,audit,training} plots; do
        if [ -f dvc.lock ] && grep -q -- "- path: $output\$" dvc.lock; then needed+=("$output"); fi
    done
    # Without a target, `dvc pull` would bring everything.
    if [ ${#needed[@]} -gt 0 ]; then
        dvc pull --allow-missing "${needed[@]}" || echo "not all was fetched; the gate says what that means"
    fi
else
    echo "no DVC remote is set: scores are read from the cache of this machine"
fi

echo "Would a stage run?"
dvc repro --dry --allow-missing || echo "DVC cannot read the pipeline; the gate says more"

code=0
avfake gate --base "$base" --markdown "$out/gate.md" --json "$out/gate.json" "$@" || code=$?

if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$out/gate.md" ]; then
    cat "$out/gate.md" >>"$GITHUB_STEP_SUMMARY"
fi
dvc plots diff "$base" --out "$out/plots" || echo "no plots of both revisions"
exit "$code"
