"""dvc.yaml says what the code does: parameters and modules, read from the syntax tree of the stages."""

import ast
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from avfake.dataset.sample.build import FORGE_MODULES
from avfake.params import SECTIONS

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
FILES = [ROOT / "dvc.yaml", ROOT / "data/dvc.yaml"]
ORDER = [
    "sample",
    "augment",
    "extract",
    "featurize",
    "resplit",
    "train",
    "predict",
    "decide",
    "evaluate",
    "robustness",
    "audit",
]

# How a stage is started, waits, stores and complains. A change in these must not change an output's bytes;
# listing them would rerun everything, training included, after a change of a progress bar or a message.
NOT_DEPENDENCIES = {
    "avfake.errors",
    "avfake.files",
    "avfake.memo",
    "avfake.parallel",
    "avfake.params",
    "avfake.params.featurize",
    "avfake.params.sections",
    "avfake.params.train",
    "avfake.stages",
    "avfake.stages._run",
}


def stages() -> dict[str, tuple[Path, dict]]:
    """name -> (folder of its dvc.yaml, its entry)."""
    found = {}
    for path in FILES:
        for name, entry in YAML(typ="safe").load(path.read_text())["stages"].items():
            found[name] = (path.parent, entry)
    return found


STAGES = stages()


def module_file(module: str) -> Path | None:
    """The file of a module of this project, or None for anything else."""
    base = SRC / Path(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def imported(module: str) -> frozenset[str]:
    """The project's modules that a module itself imports anywhere, with their parent packages."""
    path = module_file(module)
    assert path is not None, module
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    names |= {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    return frozenset(name for name in names if name.startswith("avfake.") and module_file(name))


def closure(module: str) -> set[str]:
    """Every module that runs when `module` runs, itself included."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += imported(name)
    return seen


def says_nothing(path: Path) -> bool:
    """Whether a module holds a docstring at most."""
    return all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


def stage_dependencies(name: str) -> list[Path]:
    folder, entry = STAGES[name]
    return [
        (folder / entry.get("wdir", ".") / dependency).resolve()
        for dependency in entry["deps"]
        if "${" not in dependency
    ]


def test_the_stages_are_the_designs():
    assert list(STAGES) == [*ORDER[1:], ORDER[0]]
    for _, entry in STAGES.values():
        assert entry["desc"], "every stage says what it is for"


@pytest.mark.parametrize("name", STAGES)
def test_the_command_starts_the_stage_of_the_same_name(name):
    command = STAGES[name][1]["cmd"]
    assert command.split()[:3] == ["python", "-m", f"avfake.stages.{name}"]


@pytest.mark.parametrize("name", STAGES)
def test_every_section_that_a_stage_loads_is_declared_for_it_and_no_other(name):
    models = {model.__name__: section for section, model in SECTIONS.items()}
    loaded = set()
    for module in closure(f"avfake.stages.{name}") - {"avfake.params"}:
        for node in ast.walk(ast.parse(module_file(module).read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)):
                continue
            function = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            assert function != "load_all", f"{module} reads every section"
            if function == "load" and node.args and isinstance(node.args[0], ast.Name):
                section = models.get(node.args[0].id)
                loaded |= {section} if section else set()
    declared = set()
    for item in STAGES[name][1]["params"]:
        declared |= set(next(iter(item.values()))) if isinstance(item, dict) else {item.partition(".")[0]}
    assert loaded == declared


def test_every_section_of_the_schema_is_declared_somewhere_and_stands_in_params_yaml():
    declared = set()
    for _, entry in STAGES.values():
        for item in entry["params"]:
            declared |= set(next(iter(item.values()))) if isinstance(item, dict) else {item}
    tree = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    declared = {name.partition(".")[0] for name in declared}
    commands = {"gate"}  # no stage: it judges what stages wrote
    assert declared | commands == set(SECTIONS) == set(tree)
    assert not declared & commands


def test_every_key_of_the_schema_stands_in_params_yaml_with_a_comment_or_a_telling_name():
    tree = YAML(typ="safe").load((ROOT / "params.yaml").read_text())

    def compare(model, values, where):
        assert set(model.model_fields) == set(values), where
        for key, field in model.model_fields.items():
            if hasattr(field.annotation, "model_fields"):
                compare(field.annotation, values[key], f"{where}.{key}")

    for section, model in SECTIONS.items():
        compare(model, tree[section], section)


@pytest.mark.parametrize("name", STAGES)
def test_every_module_that_a_stage_imports_is_a_dependency(name):
    dependencies = stage_dependencies(name)
    missing = []
    for module in sorted(closure(f"avfake.stages.{name}") - NOT_DEPENDENCIES):
        path = module_file(module)
        covered = any(path == dependency or dependency in path.parents for dependency in dependencies)
        if not covered and not (path.name == "__init__.py" and says_nothing(path)):
            missing.append(str(path.relative_to(ROOT)))
    assert missing == [], f"add to the deps of {name}"


@pytest.mark.parametrize("name", STAGES)
def test_no_dependency_is_missing_or_superfluous(name):
    files = {module_file(module) for module in closure(f"avfake.stages.{name}")}
    for dependency in stage_dependencies(name):
        if SRC in dependency.parents:
            used = dependency in files or any(dependency in file.parents for file in files)
            assert dependency.exists(), dependency
            assert used, f"{name} does not import {dependency.relative_to(ROOT)}"


def test_the_tools_whose_code_is_part_of_a_default_clips_key_are_those_that_make_it():
    used = {name for name in closure("avfake.dataset.sample.clip") if name.startswith("avfake.forge.")}
    used = {name for name in used if not says_nothing(module_file(name))}
    assert {f"avfake.forge.{name.replace('/', '.')}" for name in FORGE_MODULES} == used


def test_the_package_itself_loads_nothing_of_the_project():
    """`avfake/__init__.py` is no dependency of any stage: what it names is loaded on demand."""
    for node in ast.parse((SRC / "avfake/__init__.py").read_text()).body:
        assert not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("avfake")), (
            ast.unparse(node)
        )


def test_no_stage_switches_the_run_cache_off():
    for name, (_, entry) in STAGES.items():
        assert entry["deps"], name
        metrics = {next(iter(item)) for item in entry.get("metrics", []) if isinstance(item, dict)}
        for item in entry.get("outs", []):
            if isinstance(item, dict):
                path, options = next(iter(item.items()))
                assert path in metrics or (options.get("cache", True) and not options.get("persist")), (
                    f"{name}: {path}: an output with `cache: false` or `persist: true` disables the run cache"
                )


def test_no_stage_reads_what_a_later_one_writes():
    written: dict[str, str] = {}
    for name in ORDER:
        _, entry = STAGES[name]
        for dependency in entry["deps"]:
            later = written.get(dependency)
            assert later is None or ORDER.index(later) < ORDER.index(name)
        for item in [*entry.get("outs", []), *entry.get("metrics", [])]:
            written[item if isinstance(item, str) else next(iter(item))] = name
    for dependency in ("data/extracted", "data/features", "data/labels", "data/resplit", "data/predictions"):
        assert dependency in written
