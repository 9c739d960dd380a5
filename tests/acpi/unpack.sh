# unpack.sh - for run.sh here and in tests/unit, from the top folder: $corpus, unpacked.
corpus=build/host/acpi/corpus
if [ ! -d "$corpus" ] || [ tests/acpi/corpus.tar.xz -nt "$corpus" ]; then
    rm -rf "$corpus" "$corpus.new.$$"
    mkdir -p "$corpus.new.$$"
    tar -xJf tests/acpi/corpus.tar.xz -C "$corpus.new.$$" || exit 2
    touch "$corpus.new.$$"
    mv -T "$corpus.new.$$" "$corpus" 2> /dev/null || rm -rf "$corpus.new.$$"
fi
