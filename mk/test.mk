# mk/test.mk - tests and checks. The last line of `make test` counts passed, failed and skipped.

FUZZ_SECONDS ?= 300
SOAK_SECONDS ?= 600
TEST_ARGS    ?=

.PHONY: test api test-matrix fuzz soak check format

test: all iso
	@tools/run-tests $(TEST_ARGS)

# A guest for each machine of tests/matrix/cells.toml. `make test` runs the quick part. A JSON line a
# cell goes to build/matrix.jsonl.
test-matrix: all iso
	@tools/run-tests whole-matrix $(TEST_ARGS)

# docs/api.md from the export table, the tests and docs/api-notes.md.
api: $(B)/exports.txt
	@tools/make-api

fuzz:
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

soak: all
	@tests/soak/run --seconds $(SOAK_SECONDS) $(addprefix --seed ,$(SEED))

# -k: every check speaks, whichever fails first.
check: $(KERNEL) drivers conformance-drivers
	@tools/check

format:
	@tools/format
