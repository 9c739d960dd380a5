"""Find every type, member, enumerator, constant and routine that include/nt declares.

Input is the preprocessor's output with line markers and #define lines kept, so that what a
header of ours declares can be told from what the compiler predefines. The parser knows as
much of C as the headers use: typedefs, struct, union and enum bodies, attributes, bit-fields.
"""

import re

TOKEN = re.compile(r'[A-Za-z_]\w*|0[xX][0-9A-Fa-f]+\w*|\d+\w*|"(?:\\.|[^"\\])*"'
                   r'|\'(?:\\.|[^\'\\])*\'|\.\.\.|<<|>>|.', re.S)
MARKER = re.compile(r'# (\d+) "([^"]*)"')


FLEXIBLE = "flexible array"


class Entry:
    """One fact to compare: kind, name, and the C text that yields it."""

    def __init__(self, kind, name, text):
        self.kind, self.name, self.text = kind, name, text

    @property
    def key(self):
        return f"{self.kind} {self.name}"


def split_source(text, root):
    """Return (declarations, macro names) of the lines that stem from files under root."""
    ours, code, macros = False, [], []
    for line in text.split("\n"):
        marker = MARKER.match(line)
        if marker:
            ours = marker.group(2).startswith(root)
        elif line.startswith("#define "):
            if ours:
                macros.append(line[8:])
        elif line.startswith("#undef "):
            name = line[7:].strip()
            macros = [m for m in macros if re.match(r"\w+", m).group(0) != name]
        elif ours and not line.startswith("#"):
            code.append(line)
    return "\n".join(code), macros


def tokenize(code):
    return [t for t in TOKEN.findall(code) if not t.isspace()]


def matching(tokens, start):
    """Index just past the bracket that closes tokens[start]."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    depth, opening, closing = 0, tokens[start], pairs[tokens[start]]
    for i in range(start, len(tokens)):
        depth += (tokens[i] == opening) - (tokens[i] == closing)
        if depth == 0:
            return i + 1
    raise ValueError("unbalanced " + opening)


def strip_attributes(tokens):
    out, i = [], 0
    while i < len(tokens):
        if tokens[i] == "__attribute__":
            i = matching(tokens, i + 1)
        else:
            if tokens[i] not in ("extern", "__inline__", "static"):
                out.append(tokens[i])
            i += 1
    return out


def statements(tokens):
    """Split at top-level semicolons; a routine with a body ends at its brace."""
    start = i = 0
    while i < len(tokens):
        token = tokens[i]
        if token in "({[":
            end = matching(tokens, i)
            if token == "{" and tokens[i - 1] == ")":
                yield tokens[start:i]
                start = end
            i = end
        elif token == ";":
            if i > start:
                yield tokens[start:i]
            start = i = i + 1
        else:
            i += 1


def declared_names(tokens):
    """Names declared by `, *A, B[2]` and the like, with their bit width, FLEXIBLE or None."""
    names, part, depth = [], [], 0
    for token in tokens + [","]:
        depth += token in "([{"
        depth -= token in ")]}"
        if token == "," and depth == 0:
            width = None
            if ":" in part:
                width = part[part.index(":") + 1]
                part = part[:part.index(":")]
            if "(" in part and "[" not in part[:part.index("(")]:
                # function or pointer to one: ( * Name ) ( ... )
                inner = part[part.index("(") + 1:matching(part, part.index("(")) - 1]
                words = [t for t in inner if re.match(r"[A-Za-z_]", t)]
            else:
                flat = part[:part.index("[")] if "[" in part else part
                if "[" in part and part[part.index("[") + 1] == "]":
                    width = FLEXIBLE
                words = [t for t in flat if re.match(r"[A-Za-z_]", t)]
            if words:
                names.append((words[-1], width))
            part = []
        else:
            part.append(token)
    return names


def members(body):
    """Yield (path, bit width, FLEXIBLE or None) for each member of a struct or union body."""
    for decl in statements(body):
        if "{" in decl and decl[0] in ("struct", "union", "enum"):
            open_ = decl.index("{")
            close = matching(decl, open_)
            inner = list(members(decl[open_ + 1:close - 1])) if decl[0] != "enum" else []
            names = declared_names(decl[close:])
            if not names:
                yield from inner
            for name, _ in names:
                yield name, None
                for path, bits in inner:
                    yield f"{name}.{path}", bits
        else:
            for name, width in declared_names(decl):
                yield name, width


def enumerators(body):
    depth, name_next = 0, True
    for token in body:
        depth += token in "([{"
        depth -= token in ")]}"
        if name_next and re.match(r"[A-Za-z_]", token):
            yield token
            name_next = False
        elif token == "," and depth == 0:
            name_next = True


def record_entries(kind, reference, body):
    yield Entry("type", reference, f"sizeof({reference})")
    if kind == "enum":
        for name in enumerators(body):
            yield Entry("enum", name, f"(unsigned long long)(long long)({name})")
        return
    for path, bits in members(body):
        name = f"{reference}.{path}"
        if bits == FLEXIBLE:
            yield Entry("member", name, f"(__builtin_offsetof({reference}, {path}) << 32)")
        elif bits:
            yield Entry("bits", name, f"{reference}|{path}")
        else:
            where = f"__builtin_offsetof({reference}, {path})"
            yield Entry("member", name,
                        f"({where} << 32 | PROBE_SIZE({reference}, {path}))")


def declaration_entries(decl):
    """Entries of one top-level declaration."""
    is_typedef = decl[0] == "typedef"
    rest = decl[1:] if is_typedef else decl
    if rest and rest[0] in ("struct", "union", "enum") and "{" in rest:
        open_ = rest.index("{")
        close = matching(rest, open_)
        names = declared_names(rest[close:]) if is_typedef else []
        tag = rest[1] if open_ > 1 else None
        if names and rest[close] != "*":
            reference = names[0][0]
        elif tag:
            reference = f"{rest[0]} {tag}"
        else:
            reference = None
        if reference:
            yield from record_entries(rest[0], reference, rest[open_ + 1:close - 1])
        elif rest[0] == "enum":
            for name in enumerators(rest[open_ + 1:close - 1]):
                yield Entry("enum", name, f"(unsigned long long)(long long)({name})")
        for name, _ in names[1:]:
            yield Entry("type", name, f"sizeof({name})")
    elif is_typedef:
        for name, _ in declared_names(rest):
            yield Entry("type", name, f"sizeof({name})")
    elif len(decl) == 3 and decl[:2] == ["const", "GUID"]:
        yield Entry("guid", decl[2], decl[2])


def routine_entry(decl):
    """`RET NAME ( ARGS )`: the type is compared, parameter names and all."""
    if "(" not in decl or decl[0] == "typedef" or "=" in decl or decl[-1] != ")":
        return None
    open_ = decl.index("(")
    if open_ == 0 or decl[0] == "_Static_assert" or decl[open_ - 1] == "__asm__":
        return None  # the last: a variable by its name in the object file
    if decl[open_ + 1] not in ("void",) and matching(decl, open_) != len(decl):
        name = decl[open_ + 1]  # RET (NAME)(ARGS)
        result, args = decl[:open_], decl[open_ + 3:]
    else:
        name, result, args = decl[open_ - 1], decl[:open_ - 1], decl[open_:]
    if not re.match(r"[A-Za-z_]\w*$", name) or not result:
        return None
    type_ = " ".join(result) + " (NTAPI *)" + " ".join(args)
    return Entry("routine", name, f"__builtin_types_compatible_p(__typeof__(&{name}), {type_})")


def discover(text, root):
    """All entries, in the order of declaration, each name once."""
    code, macros = split_source(text, root)
    found, seen = [], set()

    def add(entry):
        if entry and entry.key not in seen:
            seen.add(entry.key)
            found.append(entry)

    for decl in statements(tokenize(code)):
        clean = strip_attributes(decl)
        if not clean:
            continue
        for entry in declaration_entries(clean):
            add(entry)
        add(routine_entry(clean))
    for macro in macros:
        name, value = re.match(r"(\w+)(.*)", macro, re.S).groups()
        if value.startswith("(") or not value.strip():
            continue  # takes parameters, or has no value
        add(Entry("macro", name, f"(unsigned long long)({name})"))
    return found
