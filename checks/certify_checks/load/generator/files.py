"""Files that a load uploads. Standard library only, as in `outcomes`."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def table(row: Mapping[str, Any], uniques: Iterable[str], fill_in: Callable[[Any, str], Any]) -> str:
    """A CSV file with a header, and a row for each of `uniques`. Pure but for what `fill_in` does."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(row)
    writer.writerows([fill_in(field, unique) for field in row.values()] for unique in uniques)
    return target.getvalue()
