"""The table of features in bindings/README.md: which part of the library each binding offers."""

BEGIN, END = "<!-- table of features: generated -->", "<!-- end of the table -->"


def page(description, text):
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + table(description) + END + after


def table(description):
    sections = {}
    for function in description["functions"]:
        sections.setdefault(function["section"], []).append(function)
    lines = ["| part of the library | functions | Cargo features |", "|---|--:|---|"]
    for section, functions in sections.items():
        features = sorted({function["feature"] for function in functions} - {None})
        lines.append(f"| {section} | {len(functions)} | {', '.join(f'`{name}`' for name in features)} |")
    kinds, statuses = description["event_kinds"], enum(description, "saltyrtc_status")
    lines.append(f"\nBesides, {len(kinds)} kinds of events and {len(statuses)} statuses, each with a name in every language.\n")
    return "\n".join(lines)


def enum(description, name):
    return next(each for each in description["enums"] if each["name"] == name)["values"]
