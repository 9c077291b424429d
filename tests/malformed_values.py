"""Values that break tables: names of columns, labels of levels, cells in the place of numbers."""
# fmt: off

import datetime

NAMES = [
    "[bold]", "[/b]", "[/]", "a:b", "a[0]", "a+b", "C(x)", "class", "lambda", "None", "True", "X",
    "chain", "draw", "term", "level", "effect", "sheet_row", "index", "measure", "yi_in_file",
    "a/b", "a\\b", 'a"b', "a`b", "a'b", "`", "{x}", "%s", "$a$", "_", "0", "1.5", "-", " ", "a\nb",
    "é\u0301", "\u202eabc", "\U0001f400", "=1+1", "~ x", "x" * 255, "x" * 256, "\ufeff", "\x7f",
    "study ", "STUDY", "Yi", "constructor", "np", "scale", "I", "Q",
]
LABELS = [
    "[red]", "[/]", "a[b]:c", "a,b", 'q"q', "new\nline", "back\\slash", "<script>", "{{ 1 }}",
    "%(x)s", "$x_1$", "NA", "None", "true", "1", "-0", "1e5", "\u202e", "ﬁ\u0327",
    "\U0001f400" * 9, "x" * 500, "x" * 501, "=HYPERLINK(1)", "@a", "+a", "0 + b", "study/1", ":",
    "T.f", "C:\\x", "a\tb", "a;b", "x" * 40_000,
]
CELLS: list[object] = [
    float("nan"), float("inf"), -float("inf"), 1e200, 1e300, -1e300, 1e-300, 5e-324, 0, -1, -0.0, 1,
    "1e400", "1,5", "1.234,5", "1,234", "1_000", "0x10", "½", "\u22125", "٣", "1e", "--1", "1 000",
    "$5", "", "NA", "#N/A", "#DIV/0!", "#REF!", "=1/0", "<0.05", "n.s.", True, False, None,
    "1" * 5000, "12%", datetime.date(2020, 5, 1), datetime.datetime(1, 1, 1), "2020-05-01", 10**30,
    "\u00a01", "1\n", "1" * 400,
]
