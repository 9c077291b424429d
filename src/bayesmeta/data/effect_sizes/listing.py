"""The table of measures as a table of words, for documentation."""

import pandas as pd

from bayesmeta.data.effect_sizes.registry import MEASURES


def measures_table() -> pd.DataFrame:
    """Return a row per measure.

    Columns: measure, title, columns (its forms), scale, transformation (of y), difference (the
    scale of a difference), null (missing if no value means no effect), guessed.
    """
    rows = [
        {
            "measure": measure.name,
            "title": measure.title,
            "columns": "; ".join(", ".join(form) for form in measure.forms),
            "scale": measure.scale.name,
            "transformation": measure.scale.words,
            "difference": measure.scale.difference,
            "null": measure.null,
            "guessed": measure.guessed,
        }
        for measure in MEASURES.values()
    ]
    return pd.DataFrame(rows)
