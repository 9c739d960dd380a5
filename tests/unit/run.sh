#!/bin/sh
# run.sh [TEST]...: build and run the host tests (all, or those named, such as test_pe), in cmocka's
# own words. Tests of other folders (tests/unit_*/run.sh) follow when none is named.
# Exit status 0 only if every test passed.
cd "$(dirname "$0")/../.." || exit 2
make -s -j"$(nproc)" -f tests/unit/Makefile all || exit 2

. tests/acpi/unpack.sh

export TEST_SYS=build/host/unit/sample.sys
export TEST_CORPUS=$corpus/real
export UBSAN_OPTIONS=print_stacktrace=1
failed=0
if [ $# -gt 0 ]; then
    for name in "$@"; do
        "build/host/unit/$name" || failed=1
    done
    exit $failed
fi
for source in tests/unit/test_*.c; do
    "build/host/unit/$(basename "$source" .c)" || failed=1
done
for other in tests/unit_*/run.sh; do
    [ ! -x "$other" ] || "$other" || failed=1
done
exit $failed
