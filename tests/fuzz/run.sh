#!/bin/sh
# run.sh SECONDS [TARGET]...: fuzz each parser (all, or those named, such as pe) for SECONDS, as
#                             many at a time as there are processors.
# run.sh --replay [TARGET]...: only run the seeds and the past crashes, once.
#
# One KTAP line a target. Inputs: tests/fuzz/seeds/TARGET (kept), tests/fuzz/crashes/TARGET (kept:
# past crashes), and what make_seeds.py writes; the growing corpus is build/host/fuzz/corpus/TARGET.
# A new crash is left in build/host/fuzz/found/TARGET; move it to tests/fuzz/crashes/TARGET with its
# fix.
cd "$(dirname "$0")/../.." || exit 2
O=build/host/fuzz

label() { # TARGET: as people write it
    case $1 in
    pe | inf | dmar | ivrs | madt | mcfg | hpet | fadt | pvh) echo "$1" | tr a-z A-Z ;;
    acpi_table) echo "ACPI table" ;;
    mp_table) echo "MP table" ;;
    pci_capability) echo "PCI capability" ;;
    multiboot2) echo "Multiboot2" ;;
    hex) echo "hexadecimal" ;;
    cmdline) echo "command line" ;;
    reg_file) echo ".reg file" ;;
    *) echo "$1" | tr _ ' ' ;;
    esac
}

run_one() { # TARGET: write the result line without its number to $O/TARGET.result
    name=$1
    what="the $(label "$name") parser"
    mkdir -p "$O/corpus/$name" "$O/found/$name"
    inputs=
    for folder in "$O/seeds/$name" "tests/fuzz/seeds/$name" "tests/fuzz/crashes/$name"; do
        [ ! -d "$folder" ] || inputs="$inputs $folder"
    done
    if [ "$SECONDS_EACH" = replay ]; then
        # shellcheck disable=SC2086
        files=$(find $inputs -type f)
        # shellcheck disable=SC2086
        "$O/fuzz_$name" -timeout=10 $files >"$O/$name.log" 2>&1 </dev/null
        status=$?
        runs=$(grep -c '^Executed ' "$O/$name.log")
        said="$what survives $runs kept inputs"
    else
        case $name in
        pe) max=16384 ;;
        tar | inf) max=8192 ;;
        *) max=4096 ;;
        esac
        # shellcheck disable=SC2086
        "$O/fuzz_$name" -max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=1024 \
            -max_len=$max -print_final_stats=1 -artifact_prefix="$O/found/$name/" \
            "$O/corpus/$name" $inputs >"$O/$name.log" 2>&1 </dev/null
        status=$?
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$O/$name.log")
        said="$what survives ${runs:-0} runs"
    fi
    if [ $status = 0 ] && [ "${runs:-0}" -gt 0 ]; then
        echo "ok @ - $said" >"$O/$name.result"
    else
        { grep -E '^(SUMMARY|==[0-9]+== ERROR|.*Test unit written)' "$O/$name.log" | sed 's/^/# /'
          tail -n 3 "$O/$name.log" | sed 's/^/# /'
          echo "not ok @ - $what fails, see $O/$name.log"; } >"$O/$name.result"
    fi
}

if [ "$1" = --one ]; then
    run_one "$2"
    exit 0
fi
case "${1:-}" in
--replay) SECONDS_EACH=replay ;;
'' | *[!0-9]*) echo "usage: tests/fuzz/run.sh SECONDS|--replay [TARGET]..." >&2; exit 2 ;;
*) SECONDS_EACH=$1 ;;
esac
export SECONDS_EACH
shift
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(find tests/fuzz -name 'fuzz_*.c' | sed 's|.*/fuzz_||; s|\.c$||' | sort)

echo "KTAP version 1"
echo "1..$#"
if ! command -v "${FUZZCC:-clang}" >/dev/null; then
    number=0
    for name in "$@"; do
        number=$((number + 1))
        echo "ok $number - the $(label "$name") parser # SKIP clang is not installed"
    done
    exit 0
fi
make -s -j"$(nproc)" -f tests/fuzz/Makefile all || exit 2
make -s -f tests/unit/Makefile build/host/unit/sample.sys || exit 2
# shellcheck disable=SC2046
python3 tests/fuzz/make_seeds.py "$O/seeds" build/host/unit/sample.sys \
    $(find drivers tests -name '*.inf') \
    $(find build/drivers -name '*.sys' 2>/dev/null | head -n 4) || exit 2

rm -f "$O"/*.result
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 tests/fuzz/run.sh --one
number=0
failed=0
for name in "$@"; do
    number=$((number + 1))
    sed "s/ @ / $number /" "$O/$name.result" || failed=1
    ! grep -q '^not ok' "$O/$name.result" || failed=1
done
exit $failed
