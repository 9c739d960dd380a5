#!/bin/sh
# run.sh [ID]...: compare the routes of each machine of the corpus (all, or those named) with the
# expected ones, line by line, in KTAP. The last line counts machines, _PRTs, entries, differences.
# Exit status 0 only if there is none.
#
# corpus.tar.xz holds raw tables of real machines (linuxhw/ACPI, the collection CC-BY-4.0, tables
# their vendors' firmware; MANIFEST.tsv names each source) and of emulators.
cd "$(dirname "$0")/../.." || exit 2
make -s acpi-routes || exit 2

. tests/acpi/unpack.sh

if [ $# -eq 0 ]; then
    for folder in "$corpus"/emu/* "$corpus"/real/*; do
        set -- "$@" "$(basename "$folder")"
    done
fi

echo "KTAP version 1"
echo "1..$#"
got=build/host/acpi/got
mkdir -p "$got"
number=0 differences=0 failed=0
: > build/host/acpi/all
for id in "$@"; do
    number=$((number + 1))
    folder=$corpus/real/$id
    [ -d "$folder" ] || folder=$corpus/emu/$id
    timeout 120 build/host/acpi-routes "$folder" > "$got/$id.txt" 2> "$got/$id.err"
    status=$?
    cat "$got/$id.txt" >> build/host/acpi/all
    lines=$(diff "$corpus/expected/$id.txt" "$got/$id.txt" | grep -c '^[<>]')
    if [ "$lines" -eq 0 ] && [ "$status" -eq 0 ]; then
        echo "ok $number acpi: routes of $id"
        continue
    fi
    failed=1
    differences=$((differences + lines))
    diff "$corpus/expected/$id.txt" "$got/$id.txt" | head -10 | sed 's/^/# /'
    tail -5 "$got/$id.err" | sed 's/^/# /'
    echo "not ok $number acpi: routes of $id"
done
echo "# $number machines, $(grep -c '^prt ' build/host/acpi/all) _PRTs," \
    "$(grep -c '^  [0-9A-F]' build/host/acpi/all) entries, $differences differences"
exit $failed
