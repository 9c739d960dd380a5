#!/bin/sh
# run.sh: build and run the host tests of this folder. Exit status 0 only if every test passed.
cd "$(dirname "$0")/../.." || exit 2
make -f tests/unit_mm/Makefile all || exit 2
failed=0
for name in test_lib test_memory; do
    "build/host/unit_mm/$name" || failed=1
done
exit $failed
