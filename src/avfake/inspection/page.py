"""The figures as one HTML page that asks for nothing outside itself and runs no script."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from avfake.inspection.contents import NUMBERS, QUANTILES, VALUES
from avfake.inspection.findings import FACT_NAMES
from avfake.inspection.sheet import Picture, scale_of
from avfake.inspection.tables import CLASSES, FAKE, REAL
from avfake.inspection.text import NONE, number, share, shown

_PACKAGE = "avfake.inspection"
# Rows of a table that the page shows; the JSON has them all.
_ROWS = 40
_NAMES = 20  # clips that are named per reason
_CHART = (640, 220)  # user units of the histogram: width and height


def render(figures: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """The page. The same figures and pictures give the same text.

    Args:
        figures: of `avfake.inspection.report.inspect_root`.
        pictures: of `avfake.inspection.sheet.pictures`, for the clips of `figures["sheet"]`.
    """
    environment = Environment(
        loader=PackageLoader(_PACKAGE, ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "share": share,
        "cut": _cut,
        "data": _data,
        "upper_first": _upper_first,
    }
    style = files(_PACKAGE).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        figures=figures,
        style=Markup(style),
        style_hash=digest,
        root_name=Path(figures["root"]).resolve().name,
        splits=[row["split"] for row in figures["counts"] if row["split"] != "all"],
        classes=[name for name in CLASSES if name in (REAL, FAKE) or figures["counts"][-1][name]],
        facts=FACT_NAMES,
        number_facts=NUMBERS[1:],
        value_facts=VALUES,
        quantiles=tuple(QUANTILES),
        difference={row["fact"]: row for row in figures["differences"]},
        chart=chart(figures["histogram"]),
        sheet=_pairs(figures["sheet"], pictures),
        scale=scale_of(figures["sheet"]),
        max_rows=_ROWS,
        max_names=_NAMES,
    )


def chart(histogram: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Geometry of the histogram: real clips upwards, fake ones downwards, each as shares of its class.

    None where neither class has a clip whose duration is known.
    """
    if histogram is None or not any((*histogram[REAL], *histogram[FAKE])):
        return None
    width, height = _CHART
    shares = {name: _shares(histogram[name]) for name in (REAL, FAKE)}
    top = max(*shares[REAL], *shares[FAKE])
    edges = histogram["edges"]
    step = width / (len(edges) - 1)
    bars = []
    for name in (REAL, FAKE):
        for index, value in enumerate(shares[name]):
            size = value / top * height / 2
            span = f"{edges[index]:g} to {edges[index + 1]:g} s"
            if value:
                bars.append(
                    {
                        "class": name,
                        "x": round(index * step + 0.5, 2),
                        "y": round(height / 2 - (size if name == REAL else 0), 2),
                        "width": round(step - 1, 2),
                        "height": round(size, 2),
                        "text": f"{span}: {share(value)} of the {name} clips",
                    }
                )
    shown_edges = range(0, len(edges), max(1, len(edges) // 8))
    ticks = [{"x": round(index * step, 2), "text": f"{edges[index]:g}"} for index in shown_edges]
    return {"width": width, "height": height, "bars": bars, "ticks": ticks, "open_end": histogram["open_end"]}


def _shares(clips: Sequence[int]) -> list[float]:
    total = sum(clips)
    return [n / total if total else 0.0 for n in clips]


def _pairs(
    rows: Sequence[Mapping[str, Any]], pictures: Sequence[Picture]
) -> list[tuple[tuple[Any, Any] | None, ...]]:
    """(real, fake) clips side by side, each with its picture; None where a class has fewer."""
    both = list(zip(rows, pictures, strict=True))
    columns = [[item for item in both if item[0]["class"] == name] for name in (REAL, FAKE)]
    return list(zip_longest(*columns))


def _finalize(value: Any) -> Any:
    """Everything that the page says passes through here: foreign names are made to print."""
    if value is None:
        return NONE
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cut(rows: Sequence[Any], n: int) -> Sequence[Any]:
    return rows[:n]


def _data(image: bytes) -> str:
    return base64.b64encode(image).decode("ascii")


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
