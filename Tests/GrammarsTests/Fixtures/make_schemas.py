#!/usr/bin/env python3
"""Writes schemas.json: random JSON Schemas with random documents and jsonschema's verdicts on them.

A line is [schema, [[text, is valid, is allowed], ...]]. A document is allowed if it validates and no
object with named properties has others, unless additionalProperties says so: the one way in which
Weft is stricter. Properties stand in the schema's order. Needs jsonschema 4.
"""
import copy, json, os, random, string
from jsonschema import Draft202012Validator as Validator

random.seed(20251124)
NAMES = ["a", "b", "ab", "name", "größe", 'q"', "x/y", "n"]
WORDS = ["", "a", "b", "abc", "äöü", "line\nend", 'quo"te', "back\\slash", "😀", "0", "tab\t", "\u0001"]
PATTERNS = ["^[a-c]{1,3}$", "^\\d+$", "b", "^a|c$", "^[^\"\\\\]*$", "^(?:ab|c)+$"]


def schema(depth, refs):
    kinds = ["string"] * 3 + ["integer"] * 2 + ["number", "boolean", "null", "enum", "const", "types"]
    if depth > 0:
        kinds += ["object"] * 5 + ["array"] * 3 + ["anyOf", "oneOf", "allOf", "any", "tuple"]
        if refs:
            kinds += ["ref"] * 2
    kind = random.choice(kinds)
    if kind == "string":
        made = {"type": "string"}
        if random.random() < 0.3:
            made["minLength"] = random.randint(0, 3)
        if random.random() < 0.3:
            made["maxLength"] = made.get("minLength", 0) + random.randint(0, 4)
        if len(made) == 1 and random.random() < 0.3:
            made["pattern"] = random.choice(PATTERNS)
        return made
    if kind in ("integer", "number"):
        made = {"type": kind}
        if random.random() < 0.5:
            made[random.choice(["minimum", "exclusiveMinimum"])] = random.randint(-120, 20)
        if random.random() < 0.5:
            made[random.choice(["maximum", "exclusiveMaximum"])] = random.randint(10, 1200)
        return made
    if kind in ("boolean", "null"):
        return {"type": kind}
    if kind == "enum":
        return {"enum": [document({}, 1) for _ in range(random.randint(1, 4))]}
    if kind == "const":
        return {"const": document({}, 1)}
    if kind == "types":
        return {"type": random.sample(["string", "integer", "null", "boolean"], 2)}
    if kind == "any":
        return random.choice([{}, True])
    if kind == "ref":
        return {"$ref": random.choice(["#", "#/$defs/d0", "#/$defs/d1"])}
    if kind == "array":
        made = {"type": "array", "items": schema(depth - 1, refs)}
        if random.random() < 0.3:
            made["minItems"] = random.randint(0, 2)
        if random.random() < 0.3:
            made["maxItems"] = made.get("minItems", 0) + random.randint(0, 2)
        return made
    if kind == "tuple":
        return {
            "type": "array",
            "prefixItems": [schema(depth - 1, refs) for _ in range(2)],
            "items": random.choice([False, {"type": "integer"}]),
            "minItems": random.randint(0, 3),
        }
    if kind == "anyOf":
        return {"anyOf": [schema(depth - 1, refs) for _ in range(2)]}
    if kind == "oneOf":
        return {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"kind": {"const": tag}, "v": schema(depth - 1, refs)},
                    "required": ["kind"],
                }
                for tag in ("one", "two")
            ]
        }
    if kind == "allOf":
        return {"allOf": [obj(depth - 1, refs, ["a", "b"]), obj(depth - 1, refs, ["n", "name"])]}
    return obj(depth, refs, NAMES)


def obj(depth, refs, names):
    names = random.sample(names, random.randint(0, min(4, len(names))))
    made = {"type": "object", "properties": {name: schema(depth - 1, refs) for name in names}}
    if names:
        made["required"] = random.sample(names, random.randint(0, len(names)))
    choice = random.random()
    if choice < 0.2:
        made["additionalProperties"] = schema(depth - 1, refs)
    elif choice < 0.4:
        made["additionalProperties"] = random.choice([True, False])
    if not names and "additionalProperties" not in made:
        del made["properties"]
    return made


def document(made, depth, root=None):
    """Mostly valid."""
    root = root if root is not None else made
    if random.random() < 0.04 or depth < 0:
        return random.choice([None, True, 5, "a", [], {}, -3.5])
    if made is False:
        return 1
    if made is True or not set(made) - {"$defs"}:
        return random.choice(
            [None, False, random.randint(-200, 2000), random.choice(WORDS), [1, "a"], {"a": 1}, 0.25]
        )
    if "$ref" in made:
        target = root
        for key in made["$ref"].split("/")[1:]:
            target = target[key]
        return document(target, depth - 1, root)
    for key in ("anyOf", "oneOf"):
        if key in made:
            return document(random.choice(made[key]), depth, root)
    if "allOf" in made:
        parts = [document(part, depth, root) for part in made["allOf"]]
        value = {k: v for part in parts if isinstance(part, dict) for k, v in part.items()}
        names = [name for part in made["allOf"] for name in part.get("properties", {})]
        named = {name: value.pop(name) for name in names if name in value}
        return named | value
    if "enum" in made:
        return random.choice(made["enum"])
    if "const" in made:
        return made["const"]
    kind = made["type"] if isinstance(made["type"], str) else random.choice(made["type"])
    if kind == "string":
        if "pattern" in made and random.random() < 0.8:
            return random.choice(["a", "abc", "12", "b", "xbx", "cc", "ac", "abab", 'a"c', "é"])
        word = random.choice(WORDS)
        while len(word) < made.get("minLength", 0):
            word += random.choice(string.ascii_letters + 'é"\\😀')
        return word[: made.get("maxLength", 99)]
    if kind == "integer":
        return random.choice([0, 1, -1, 10, 11, 99, 100, 101, random.randint(-130, 1250)])
    if kind == "number":
        numbers = [0, 1.5, -0.5, 10.0, 100.25, random.randint(-130, 1250)]
        # Exponents are written only where there are no bounds.
        return random.choice(numbers + ([1e-7, 2e10] if len(made) == 1 else []))
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "null":
        return None
    if kind == "array":
        prefix = made.get("prefixItems", [])
        items = made.get("items", True)
        count = random.randint(made.get("minItems", 0), made.get("maxItems", made.get("minItems", 0) + 3))
        return [
            document(prefix[i] if i < len(prefix) else items, depth - 1, root) for i in range(count)
        ]
    value = {}
    for name, part in made.get("properties", {}).items():
        if random.random() < (0.97 if name in made.get("required", []) else 0.5):
            value[name] = document(part, depth - 1, root)
    if random.random() < 0.3:
        more = made.get("additionalProperties", True)
        for name in random.sample(["a", "abx", "zz", "nam", "größ", "other", ""], 2):
            value.setdefault(name, document(more, depth - 1, root))
    return value


def strict(made, within_all=False):
    """The schema with objects closed where Weft closes them."""
    if isinstance(made, bool):
        return made
    made = copy.deepcopy(made)
    if "properties" in made and "additionalProperties" not in made and not within_all:
        made["additionalProperties"] = False
    for key in ("properties", "$defs"):
        if key in made:
            made[key] = {name: strict(part) for name, part in made[key].items()}
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = strict(made[key])
    for key in ("anyOf", "oneOf", "prefixItems"):
        if key in made:
            made[key] = [strict(part) for part in made[key]]
    if "allOf" in made:
        made["allOf"] = [strict(part, True) for part in made["allOf"]]
        # Any part without named properties asks for no closing; additionalProperties decides else.
        if any("properties" in p for p in made["allOf"]) and not any(
            "additionalProperties" in p for p in made["allOf"]
        ):
            names = {n: True for p in made["allOf"] for n in p.get("properties", {})}
            made["allOf"].append({"properties": names, "additionalProperties": False})
    return made


lines = []
while len(lines) < 250:
    refs = random.random() < 0.3
    made = schema(3, refs)
    if not isinstance(made, dict) or "$ref" in made:
        continue
    if refs:
        made["$defs"] = {"d0": schema(1, False), "d1": {"type": ["string", "null"]}}
        if made["$defs"]["d0"] is True:
            continue
    loose, tight = Validator(made), Validator(strict(made))
    cases = {}
    for _ in range(8):
        value = document(made, 4)
        text = json.dumps(value, ensure_ascii=False)
        if random.random() < 0.2:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        elif random.random() < 0.2:
            text = json.dumps(value, ensure_ascii=False, indent=2)
        try:
            valid, allowed = loose.is_valid(value), tight.is_valid(value)
        except RecursionError:
            break
        cases[text] = [text, valid, allowed]
    else:
        lines.append(json.dumps([made, list(cases.values())], ensure_ascii=False, separators=(",", ":")))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas.json"), "w") as file:
    file.write("[\n" + ",\n".join(lines) + "\n]\n")
