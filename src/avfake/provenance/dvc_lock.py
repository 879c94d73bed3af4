"""What dvc.lock recorded when the clips were made: raw data, recipes, code, and the clips as a folder."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from avfake.provenance.hashes import directory_md5, dvc_files, hash_files
from avfake.provenance.seen import AUGMENTED, DVC_LOCK, Seen
from avfake.provenance.verdict import Check, Finding, judged, unchecked

_NAME, _CLAIM = "dvc_lock", "raw data, recipes, tools and derived clips are those that dvc.lock recorded"
_STAGE, _READER = "augment", "extract"  # that makes the clips, and that reads them
# Where DVC keeps the list of a folder's files, by the folder's hash.
_CACHE = Path(".dvc/cache/files/md5")


def check_lock(seen: Seen, clips_are_here: bool) -> Check:
    """The stage's entry in dvc.lock against what lies here; folders by DVC's own hash."""
    if _STAGE not in seen.lock:
        return unchecked(_NAME, _CLAIM, f"{DVC_LOCK} has no stage `{_STAGE}`, or is not there")
    deps, outs = (_hashes(seen, _STAGE, kind) for kind in ("deps", "outs"))
    params = (seen.lock[_STAGE].get("params") or {}).get("params.yaml") or {}
    findings = [*_other_params(seen, params), *_other_code(deps)]
    root = (params.get("data") or {}).get("root")
    if root in deps:
        findings += _other_folder(seen, Path(seen.data.root), seen.root_files, deps[root])
    else:
        findings.append(Finding(DVC_LOCK.name, "does not record the data root"))
    key = AUGMENTED.as_posix()
    if clips_are_here:
        findings += _other_folder(seen, AUGMENTED, seen.augmented_files, outs.get(key))
    read = _hashes(seen, _READER, "deps")
    if key in read and read[key] != outs.get(key):
        findings.append(
            Finding(DVC_LOCK.name, f"`{_READER}` read {key} as {read[key]}, `{_STAGE}` wrote {outs.get(key)}")
        )
    what = f"{len(deps)} inputs, the recipes{' and data/augmented' if clips_are_here else ''}"
    return judged(_NAME, _CLAIM, what, findings)


def _hashes(seen: Seen, stage: str, kind: str) -> dict[str, str | None]:
    """What dvc.lock has of a stage's inputs or outputs, by path."""
    return {item["path"]: item.get("md5") for item in seen.lock.get(stage, {}).get(kind) or []}


def _other_params(seen: Seen, recorded: Mapping[str, Any]) -> Iterator[Finding]:
    here = {"augment": seen.augment.model_dump(), "data": seen.data.model_dump(include={"limit", "seed"})}
    recipes = {recipe["name"]: recipe for recipe in here["augment"].pop("recipes")}
    then = dict(recorded.get("augment") or {})
    before = {recipe.get("name"): recipe for recipe in then.pop("recipes", None) or []}
    for name in dict.fromkeys([*recipes, *before]):
        if recipes.get(name) != before.get(name):
            yield Finding(
                f"params.yaml: recipe {name}",
                f"it is {_json(recipes.get(name))}, {DVC_LOCK} recorded {_json(before.get(name))}",
            )
    sections = (("augment", here["augment"], then), ("data", here["data"], recorded.get("data") or {}))
    for section, now, past in sections:
        for key, value in now.items():
            if past.get(key) != value:
                yield Finding(
                    "params.yaml", f"`{section}.{key}` is {value}, {DVC_LOCK} recorded {past.get(key)}"
                )


def _other_code(deps: Mapping[str, str | None]) -> Iterator[Finding]:
    """Code of this repository that is otherwise than when the clips were made."""
    for path, recorded in deps.items():
        place = Path(path)
        if place.suffix != ".py" and not path.startswith("src/"):
            continue
        files = dvc_files(place) if place.is_dir() else {place.name: place}
        hashes = hash_files(files.values(), 1, "code")
        if place.is_dir():
            found = directory_md5({name: hashes[file].md5 for name, file in files.items() if file in hashes})
        else:
            found = hashes[place].md5 if place in hashes else "gone"
        if found != recorded:
            yield Finding(path, f"the code is {found}, {DVC_LOCK} recorded {recorded}")


def _other_folder(
    seen: Seen, folder: Path, files: Mapping[str, Path], recorded: str | None
) -> Iterator[Finding]:
    hashes = {name: seen.hashes[path].md5 for name, path in files.items() if path in seen.hashes}
    found = directory_md5(hashes)
    if found == recorded:
        return
    yield Finding(folder.name, f"DVC's hash of {folder} is {found}, {DVC_LOCK} recorded {recorded}")
    before = _listed(recorded)
    if before is not None:
        for name in sorted({*before, *hashes}):
            if before.get(name) != hashes.get(name):
                what = (
                    "changed" if name in before and name in hashes else "gone" if name in before else "added"
                )
                yield Finding(Path(name).name, f"{what} in {folder} since {DVC_LOCK} was written")


def _listed(recorded: str | None) -> dict[str, str] | None:
    """MD5 of the files of a folder that DVC's cache still lists."""
    path = _CACHE / (recorded or "")[:2] / (recorded or "")[2:]
    if not recorded or not path.is_file():
        return None
    return {row["relpath"]: row["md5"] for row in json.loads(path.read_text(encoding="utf-8"))}


def _json(value: object) -> str:
    return "none" if value is None else json.dumps(value, sort_keys=True)
