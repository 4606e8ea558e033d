"""Answers questions about Python's own behaviour: one JSON [function, arguments] a line in, one answer a line out."""
import ast
import difflib
import json
import sys

try:
    from dateutil import parser as dates
except ImportError:
    dates = None
try:
    import logging

    import jieba

    jieba.setLogLevel(logging.ERROR)
except ImportError:
    jieba = None
try:
    from rouge import Rouge
except ImportError:
    Rouge = None


def first(text):
    return str(ast.literal_eval(text)[0])


def date(text):
    """The fields that the text gives: those that do not change with the default."""
    import datetime
    import warnings

    warnings.simplefilter("ignore")
    found = []
    for default in (datetime.datetime(2024, 1, 1), datetime.datetime(2028, 3, 15)):
        value = dates.parse(text, default=default)
        found.append([value.year, value.month, value.day, value.hour, value.minute, value.second,
                      value.microsecond, value.tzinfo is not None])
    return [one if one == other else None for one, other in zip(*found)]


functions = {
    "has_dateutil": lambda: dates is not None,
    "has_jieba": lambda: jieba is not None,
    "has_rouge": lambda: Rouge is not None,
    "cut": lambda text: list(jieba.cut(text, cut_all=False)),
    "rouge_l": lambda a, b: Rouge().get_scores([a], [b])[0]["rouge-l"]["f"],
    "ratio": lambda a, b: difflib.SequenceMatcher(None, a, b).ratio(),
    "int": lambda text: str(int(text)),
    "strip": lambda text: text.strip(),
    "split": lambda text: text.split(),
    "round": round,
    "float": lambda value: str(float(value)),
    "first": first,
    "date": date,
}

for line in sys.stdin:
    name, arguments = json.loads(line)
    try:
        answer = functions[name](*arguments)
    except Exception:
        answer = None
    print(json.dumps(answer))
