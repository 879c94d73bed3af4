"""The sets, and a finished import, in words."""

from collections.abc import Iterable

from avfake.adapters.adapter import Adapter
from avfake.adapters.run import Imported


def listing(adapters: Iterable[Adapter]) -> str:
    """What `avfake import --list` prints: sizes, splits, terms and where the layout is described, per set."""
    return "\n\n".join(
        "\n".join(
            (
                f"{adapter.name}: {adapter.title}",
                f"  published  {adapter.sizes}",
                f"  splits     {adapter.splits}",
                f"  columns    {', '.join(('generator', 'source', *adapter.columns))}",
                f"  modality   {', '.join(adapter.modalities)}",
                f"  terms      {adapter.terms}",
                f"  layout     {', '.join(adapter.sources)}",
                f"  unchecked  {adapter.unchecked}",
            )
        )
        for adapter in adapters
    )


def summary(made: Imported) -> str:
    """What an import prints: clips per split and class, notes, and how the clips were placed."""
    rows: list[tuple[str, ...]] = [("split", "real", "fake", "unlabelled")]
    rows += [(split, *(str(number) for number in counts.values())) for split, counts in made.counts.items()]
    lines = ["  ".join(f"{cell:>10}" for cell in row) for row in rows]
    lines += [f"note: {text}: {count}" for text, count in made.notes.items()]
    words = {"hard": "hard links", "symbolic": "symbolic links", "copy": "copies", "there": "there already"}
    lines.append("clips: " + ", ".join(f"{count} {words[how]}" for how, count in sorted(made.placed.items())))
    lines.append(f"{'unchanged, from the same import' if made.again else 'written'}: {made.out}")
    return "\n".join(lines)
