"""Which derived clips there will be: the recipes over the training split, before any clip is opened.

Every choice follows from names and seeds alone, by hashes and without ranks: a clip that is added gets its
own derived clips, becomes the partner of those few that it wins, and changes nothing else.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avfake.dataset.layout import IMAGE_SUFFIXES, Clip
from avfake.dataset.root import DataRoot
from avfake.errors import UserError
from avfake.forge.declared import DeclaredTool
from avfake.forge.registry import check_packages, check_params, tool_named
from avfake.params.sections import AugmentParams, RecipeParams

TARGETS = {"real": (0,), "fake": (1,), "all": (0, 1)}
# `n_real`, `n_fake` and `n_skipped` of the metrics count over all recipes.
RESERVED = ("real", "fake", "skipped")
_MAX = np.iinfo(np.uint64).max


@dataclass(frozen=True)
class Job:
    """One derived clip that is to be made.

    Attributes:
        recipe: its name. copy: 0, 1, ... of the same recipe and source clip.
        source: the clip that it is made from. partner: the second one, None for tools that take one, and
            where there is none to be had.
        tool: its name. params: of the tool, checked.
        recipe_seed: of the recipe; `seed_of` gives the tool's own.
        derived_name: the name of the file that it becomes.
    """

    recipe: str
    copy: int
    source: Clip
    partner: Clip | None
    tool: str
    params: dict[str, Any]
    recipe_seed: int
    derived_name: str


def plan(root: DataRoot, params: AugmentParams) -> tuple[Job, ...]:
    """The jobs by the order of the recipes, the source clip's name and the copy.

    Raises:
        UserError: a recipe names an unknown tool or parameter, a wrong value, or a tool whose package is not
            installed; two recipes make the same; there would be more than `max_clips` clips; the root has a
            clip of a derived one's name.
    """
    recipes = [(recipe, *_checked(recipe)) for recipe in params.recipes]
    _check_distinct([(recipe, typed) for recipe, _, typed in recipes])
    train = _training_clips(root)
    _check_number({recipe.name: _number(recipe, train) for recipe in params.recipes}, params.max_clips)
    partners = _Partners([clip for clip in train if clip.target == 0])
    jobs = tuple(
        Job(
            recipe=recipe.name,
            copy=copy,
            source=clip,
            partner=partners.of(recipe, clip, copy) if tool.needs_partner else None,
            tool=tool.name,
            params=typed,
            recipe_seed=recipe.seed,
            derived_name=derived_name(recipe.name, copy, clip.video_name),
        )
        for recipe, tool, typed in recipes
        for clip in train
        if _is_of(recipe, clip)
        for copy in range(copies(recipe, clip.video_name))
    )
    _check_names(jobs, root.clips)
    return jobs


def derived_name(recipe: str, copy: int, source_name: str) -> str:
    """The name of a derived clip: nothing of it tells whether it is real. Images keep their suffix."""
    suffix = Path(source_name).suffix
    suffix = suffix if suffix.lower() in IMAGE_SUFFIXES else ".mp4"
    return f"{recipe}-{copy}-{hashlib.sha256(source_name.encode()).hexdigest()[:24]}{suffix}"


def copies(recipe: RecipeParams, video_name: str) -> int:
    """How many derived clips the recipe makes of a source clip: 1.5: two of every other, one of the rest."""
    whole = int(recipe.per_clip)
    digest = hashlib.sha256(f"{recipe.name}:{recipe.seed}:{video_name}".encode()).digest()
    return whole + (int.from_bytes(digest[:6], "big") / 2**48 < recipe.per_clip - whole)


def seed_of(recipe_seed: int, tool_name: str, source_sha256: str, copy: int) -> int:
    """The seed of the generator that the tool is given, below 2**63: by the source's bytes, not its name."""
    text = f"{recipe_seed}:{tool_name}:{source_sha256}:{copy}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def params_json(params: Mapping[str, Any]) -> str:
    """A tool's parameters as they stand in the manifest and in the memo's keys."""
    return json.dumps(params, sort_keys=True, ensure_ascii=False, allow_nan=False)


def manifest_row(
    job: Job,
    tool: DeclaredTool,
    source_sha256: str,
    partner_sha256: str | None,
    derived_sha256: str,
    libraries: Mapping[str, str],
) -> dict[str, Any]:
    """The derived clip's row of the manifest (avfake.dataset.augmented.MANIFEST_SCHEMA)."""
    fake = tool.label == "fake"
    return {
        "derived_name": job.derived_name,
        "derived_sha256": derived_sha256,
        "recipe": job.recipe,
        "copy": job.copy,
        "source_name": job.source.video_name,
        "source_sha256": source_sha256,
        "partner_name": job.partner.video_name if job.partner else None,
        "partner_sha256": partner_sha256,
        "tool": tool.name,
        "tool_version": tool.version,
        "libraries": json.dumps(dict(libraries), sort_keys=True, ensure_ascii=False),
        "params": params_json(job.params),
        "seed": seed_of(job.recipe_seed, tool.name, source_sha256, job.copy),
        "label_before": job.source.target,
        "label_after": 1 if fake else job.source.target,
        "generator": tool.name if fake else job.source.generator,
        "source": job.source.source,
    }


def _checked(recipe: RecipeParams) -> tuple[DeclaredTool, dict[str, Any]]:
    where = f"augment.recipes: `{recipe.name}`"
    if recipe.name in RESERVED:
        raise UserError(
            f"{where}: the name stands for something else in metrics/augment.json", "give it another name"
        )
    tool = tool_named(recipe.tool, where)
    typed = check_params(tool, recipe.params, where).model_dump(mode="json")
    check_packages(tool, where)
    return tool, typed


def _check_distinct(recipes: Iterable[tuple[RecipeParams, Mapping[str, Any]]]) -> None:
    """Two recipes that draw the same would put the same bytes into training twice."""
    for (first, typed), (second, other) in combinations(recipes, 2):
        same = (first.tool, first.seed, typed) == (second.tool, second.seed, other)
        if same and set(TARGETS[first.of]) & set(TARGETS[second.of]):
            raise UserError(
                f"augment.recipes: `{first.name}` and `{second.name}` make the same clips",
                "give one of them another seed, or raise per_clip of the other and remove it",
            )


def _training_clips(root: DataRoot) -> list[Clip]:
    """By name; without those that stand in another split too, which is among the root's problems."""
    others = {clip.video_name for clip in root.clips if clip.split != "train"}
    clips = (clip for clip in root.splits["train"].clips if clip.video_name not in others)
    return sorted(clips, key=lambda clip: clip.video_name)


def _is_of(recipe: RecipeParams, clip: Clip) -> bool:
    return clip.target in TARGETS[recipe.of]


def _number(recipe: RecipeParams, train: Sequence[Clip]) -> int:
    return sum(copies(recipe, clip.video_name) for clip in train if _is_of(recipe, clip))


def _check_number(numbers: Mapping[str, int], limit: int) -> None:
    total = sum(numbers.values())
    if total > limit:
        each = ", ".join(f"{name} {number}" for name, number in numbers.items())
        raise UserError(
            f"augment.recipes would make {total} clips, augment.max_clips allows {limit}: {each}",
            "lower per_clip of a recipe, or raise augment.max_clips in params.yaml",
        )


def _check_names(jobs: Iterable[Job], clips: Iterable[Clip]) -> None:
    taken = {clip.video_name: clip for clip in clips}
    for job in jobs:
        if job.derived_name in taken:
            clip = taken[job.derived_name]
            raise UserError(
                f"augment.recipes: `{job.recipe}`: {clip.path} has the name of a clip that it would make",
                "rename the recipe or the clip; a derived clip does not belong among the source clips",
            )


class _Partners:
    """Who goes with whom, by rendezvous hashing (Thaler and Ravishankar, IEEE/ACM ToN 6, 1998).

    Every real clip has a weight for every job, and the lightest of those that may is taken. A weight is the
    mixed exclusive or of two digests, so that there is one SHA-256 per clip and per job, not per pair.
    """

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.clips = clips
        self.digests = np.array([_digest(clip.video_name) for clip in clips], np.uint64)
        self.places = {clip.video_name: place for place, clip in enumerate(clips)}
        self.codes: dict[str | None, int] = {None: -1}
        for clip in clips:
            self.codes.setdefault(clip.source, len(self.codes))
        self.sources = np.array([self.codes[clip.source] for clip in clips], np.int64)

    def of(self, recipe: RecipeParams, clip: Clip, copy: int) -> Clip | None:
        """A real clip that is not this one, nor of its source where both are known; None if there is none."""
        own = _digest(f"{recipe.name}:{recipe.seed}:{copy}:{clip.video_name}")
        weights = _mixed(self.digests ^ np.uint64(own))
        known = clip.source is not None and clip.source in self.codes
        allowed = self.sources != (self.codes[clip.source] if known else len(self.codes))
        if clip.video_name in self.places:
            allowed[self.places[clip.video_name]] = False
        if not allowed.any():
            return None
        return self.clips[int(np.argmin(np.where(allowed, weights, _MAX)))]


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one to one, and spreads every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
