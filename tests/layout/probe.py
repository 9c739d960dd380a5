"""Turn entries into one C source, compile it against a set of headers, read the values.

Nothing is executed: each entry is an initialised datum whose bytes are taken from the
compiler's assembly output. Entries that a set of headers lacks are found from the error
messages, one entry a line, and left out on the next try.
"""

import re
import subprocess

PROLOGUE = """\
#define INITGUID
{includes}
#define PROBE_SIZE(Type, Path) sizeof(((Type *)0)->Path)
"""

REFUSED = re.compile(r"^probe:(\d+):", re.M)  # an error, or the use of a macro that has one
SIZES = {".byte": 1, ".value": 2, ".word": 2, ".short": 2, ".long": 4, ".quad": 8}
WARNINGS = ["-w", "-fmax-errors=0", "-fno-diagnostics-show-caret"]


def line_of(index, entry):
    if entry.kind == "guid":
        return f"const void *const probe_{index} = &{entry.name};"
    if entry.kind == "bits":
        reference, path = entry.text.split("|")
        return f"const {reference} probe_{index} = {{.{path} = ~0}};"
    return f"const unsigned long long probe_{index} = {entry.text};"


def run(command, source):
    return subprocess.run(command + WARNINGS + ["-x", "c", "-"], input=source, text=True,
                          capture_output=True, check=False)


def labels(assembly):
    """Bytes that follow each label."""
    data, current = {}, None
    for raw in assembly.split("\n"):
        line = raw.strip()
        if re.match(r"[\w$]+:$", line):
            current = data.setdefault(line[:-1], bytearray())
            continue
        word = line.split(None, 1)
        if not word or current is None:
            continue
        if word[0] in SIZES:
            for number in word[1].split(","):
                try:
                    value = int(number, 0)
                except ValueError:
                    continue  # a symbol's address
                size = SIZES[word[0]]
                current += (value % (1 << 8 * size)).to_bytes(size, "little")
        elif word[0] in (".zero", ".space"):
            current += bytes(int(word[1].split(",")[0], 0))
        elif word[0] in (".ascii", ".string"):
            text = word[1][1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")
            current += text + (b"\0" if word[0] == ".string" else b"")
    return data


def compile_probe(compiler, flags, includes, entries):
    """Return {key: bytes} for the entries that the headers have."""
    left = list(enumerate(entries))
    prologue = PROLOGUE.format(includes="\n".join(f"#include <{i}>" for i in includes))
    for _ in range(8):
        source = prologue + '# 1 "probe"\n' + "\n".join(line_of(i, e) for i, e in left) + "\n"
        result = run([compiler, *flags, "-S", "-o", "-"], source)
        if result.returncode == 0:
            break
        bad = {int(number) for number in REFUSED.findall(result.stderr)}
        if not bad:
            raise RuntimeError(result.stderr[:2000])
        left = [pair for number, pair in enumerate(left, 1) if number not in bad]
    else:
        raise RuntimeError("the probe does not settle: " + result.stderr[:2000])
    data = labels(result.stdout)
    values = {}
    for index, entry in left:
        label = entry.name if entry.kind == "guid" else f"probe_{index}"
        value = bytes(data[label])
        if entry.kind == "guid" or value:  # no bytes: the address of a symbol, no constant
            values[entry.key] = value
    return values


def preprocess(compiler, flags, includes):
    source = "\n".join(f"#include <{i}>" for i in includes) + "\n"
    result = run([compiler, *flags, "-E", "-dD"], source)
    if result.returncode != 0:
        raise RuntimeError(result.stderr[:2000])
    return result.stdout
