"""Writing configurations."""


def merge(*layers):
    """One {section: {key: value}} out of several; later ones win, None removes."""
    result = {}
    for layer in layers:
        for section, options in layer.items():
            if options is None:
                result.pop(section, None)
                continue
            target = result.setdefault(section, {})
            for key, value in options.items():
                if value is None:
                    target.pop(key, None)
                else:
                    target[key] = value
    return result


def _written(value):
    """A value as the file has it: what has a quote inside stands between quotes."""
    text = str(value)
    if '"' not in text or text.startswith('"'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def render(sections, include=None):
    """The INI text, on top of the file `include`; a list is a key repeated."""
    lines = [f"include = {include}"] if include else []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        for key, value in options.items():
            for item in value if isinstance(value, list) else [value]:
                lines.append(f"{key} = {_written(item)}")
        lines.append("")
    return "\n".join(lines)
